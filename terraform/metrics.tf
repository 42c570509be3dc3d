# Figures made of what functions and jobs log. Every line that counts carries the field event; a test compares the
# names here with those in the code. Cloud Monitoring keeps a series for each combination of labels, so organisations
# are in the lines' labels, not in the metrics', where ten thousand of them would be ten thousand series. What
# functions/watch tells is the exception: a hundred lines of a kind at most, each of something that a person has to
# hear of, whatever is wrong with others.

locals {
  of_programs = "resource.type=(\"cloud_run_revision\" OR \"cloud_run_job\")"

  # Lines counted: the events, what else must hold, and where labels come from.
  counted = {
    runs             = { events = ["sync_run"], labels = { provider = "jsonPayload.provider", outcome = "jsonPayload.outcome" } }
    stale            = { events = ["stale"], labels = { organisation = "labels.org", provider = "labels.provider" } }
    reconnect_needed = { events = ["reconnect_needed"], labels = { organisation = "labels.org", provider = "labels.provider" } }
    dead_letters     = { events = ["dead_letters"], labels = { organisation = "labels.org", provider = "labels.provider" } }
    more             = { events = ["more"], labels = { of = "jsonPayload.of" } }
    watch            = { events = ["watch"], labels = {} }
    job_missed       = { events = ["job_missed"], labels = { job = "jsonPayload.job" } }
    budget_80        = { events = ["budget"], and = "severity>=WARNING", labels = { provider = "labels.provider" } }
    budget_95        = { events = ["budget"], and = "severity>=ERROR", labels = { provider = "labels.provider" } }
    webhooks         = { events = ["webhook"], labels = { provider = "jsonPayload.provider" } }
    webhooks_failed  = { events = ["webhook_failed"], labels = { provider = "jsonPayload.provider" } }
    webhooks_refused = { events = ["webhook_refused"], labels = { provider = "jsonPayload.provider" } }
    ticks_rejected   = { events = ["tick_rejected"], labels = {} }
  }

  # Lines that have a figure in them: its field and unit.
  measured = {
    run_time       = { event = "sync_run", field = "took_ms", unit = "ms", labels = { provider = "jsonPayload.provider" } }
    stale_minutes  = { event = "stale", field = "minutes", unit = "min", labels = { provider = "labels.provider" } }
    budget_percent = { event = "budget", field = "percent", unit = "%", labels = { provider = "labels.provider" } }
  }

  # Events of severity ERROR that have an alert of their own.
  told_elsewhere = ["budget", "webhook_failed", "exchange_lost", "item_lost", "connect_lost", "sync_run"]

  # Lines that are not one event. Cloud Run's own line of a request is left out of errors: it is an ERROR for each
  # 503, by which a program asks to be sent the same again.
  other_lines = {
    errors      = "${local.of_programs} AND severity>=ERROR AND NOT log_id(\"run.googleapis.com/requests\") AND NOT jsonPayload.stack_trace:* AND NOT jsonPayload.event=(${local.told_elsewhere_quoted})"
    panics      = "${local.of_programs} AND jsonPayload.stack_trace:*"
    not_started = "resource.type=\"cloud_scheduler_job\" AND severity>=ERROR"
    runs_broken = "${local.of_programs} AND severity>=ERROR AND jsonPayload.event=\"sync_run\"" # providers that are out make a WARNING
  }
  told_elsewhere_quoted = join(" OR ", [for e in local.told_elsewhere : "\"${e}\""])
}

resource "google_logging_metric" "counted" {
  for_each = local.counted

  name        = each.key
  description = "Log lines with event ${join(", ", each.value.events)}"
  filter      = join(" AND ", compact([local.of_programs, "jsonPayload.event=(${join(" OR ", [for e in each.value.events : "\"${e}\""])})", try(each.value.and, "")]))

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key = labels.key
      }
    }
  }
  label_extractors = { for label, field in each.value.labels : label => "EXTRACT(${field})" }
  depends_on       = [google_project_service.services]
}

resource "google_logging_metric" "measured" {
  for_each = local.measured

  name            = each.key
  description     = "${each.value.field} of log lines with event ${each.value.event}"
  filter          = "${local.of_programs} AND jsonPayload.event=\"${each.value.event}\""
  value_extractor = "EXTRACT(jsonPayload.${each.value.field})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key = labels.key
      }
    }
  }
  label_extractors = { for label, field in each.value.labels : label => "EXTRACT(${field})" }

  # Each bucket is half as wide again as the one before: from 1 ms to some 3 hours, with room for minutes and percent.
  bucket_options {
    exponential_buckets {
      num_finite_buckets = 40
      growth_factor      = 1.5
      scale              = 1
    }
  }
  depends_on = [google_project_service.services]
}

resource "google_logging_metric" "other" {
  for_each = local.other_lines

  name        = each.key
  description = "Log lines that are no event: see metrics.tf"
  filter      = each.value

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
  depends_on = [google_project_service.services]
}
