# Who is told, and of what. What is said here stands in the mail: what it means, and what to do first. docs/operations.md
# has a heading alert-NAME for each, with what the mail has no room for: why it happens, how to find out, how it ends.
# A test compares the two. Nothing here wakes anybody for what mends itself: a provider that is out for a few
# minutes, a tick sent twice, one failed run.

locals {
  # What Cloud Monitoring asks for: the kind of thing that is measured, and the measure.
  user_metric = "logging.googleapis.com/user"
  line        = { for name in concat(keys(local.counted), keys(local.other_lines)) : name => "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.user_metric}/${name}\"" }
  in_jobs     = { for name in keys(local.other_lines) : name => "resource.type=\"cloud_run_job\" AND metric.type=\"${local.user_metric}/${name}\"" }
  on_sql      = "resource.type=\"cloudsql_database\" AND resource.labels.database_id=\"${var.project}:${google_sql_database_instance.primary.name}\" AND metric.type=\"cloudsql.googleapis.com/database"

  public_functions = sort([for name, f in local.services : name if f.caller == "everyone"])
  public_requests  = "resource.type=\"cloud_run_revision\" AND metric.type=\"run.googleapis.com/request_count\" AND resource.labels.service_name=one_of(${join(",", [for name in local.public_functions : "\"${name}\""])})"

  deliveries         = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.syncorg.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/push_request_count\""
  dead_subscriptions = join(",", [for s in google_pubsub_subscription.dead : "\"${s.name}\""])
  channels           = [for channel in google_monitoring_notification_channel.email : channel.id]

  # conditions: any one of them is enough.
  #   filter   what is measured          window   seconds that make one value
  #   above    the value that is wrong   align    how values within the window become one, reduce: how several series do
  #   below    or that it must reach     lasts    seconds for which it must be wrong
  #   by       one alert for each value of these labels
  #   of       divided by this           silent   seconds without any value that are wrong
  #   log      a line that is wrong in itself, with what is to be quoted from it
  # again: seconds after which it is told once more that it still holds: where it may do so for days, and wait for a person
  alerts = {
    organisation-stale = {
      severity   = "ERROR"
      title      = "data is behind"
      means      = "Connections of an organisation, which the labels name, are more than 15 minutes behind their provider."
      first      = "Read the log lines with event=stale of the last minutes, labels.org: each names connection, since when, why, and what to do."
      logs       = "jsonPayload.event=\"stale\""
      again      = 86400
      conditions = [{ name = "connections behind", filter = local.line.stale, above = 0, window = 600, align = "ALIGN_DELTA", by = ["metric.label.organisation", "metric.label.provider"] }]
    }
    reconnect-needed = {
      severity   = "WARNING"
      title      = "somebody has to connect again"
      means      = "A provider takes the token of an organisation, which the labels name, no longer. Its data stays and grows old."
      first      = "Send a person of the organisation a link (`go run ./jobs/link`). The log lines with event=reconnect_needed name organisation, connection and reason."
      logs       = "jsonPayload.event=\"reconnect_needed\""
      again      = 86400
      conditions = [{ name = "connections to be connected again", filter = local.line.reconnect_needed, above = 0, window = 600, align = "ALIGN_DELTA", by = ["metric.label.organisation", "metric.label.provider"] }]
    }
    dead-letters = {
      severity   = "WARNING"
      title      = "records could not be stored"
      means      = "A provider sent records of an organisation, which the labels name, that do not fit what we know of it. They are kept aside, with the reason; all others are stored."
      first      = "`SELECT org_id, stream, reason, count(*) FROM sync.dead_letters WHERE resolved_at IS NULL GROUP BY 1, 2, 3`: which records, and what is the matter with them."
      logs       = "jsonPayload.event=\"dead_letters\""
      again      = 86400
      conditions = [{ name = "open dead letters", filter = local.line.dead_letters, above = 0, window = 600, align = "ALIGN_DELTA", by = ["metric.label.organisation", "metric.label.provider"] }]
    }
    more-than-lines = {
      severity   = "WARNING"
      title      = "more is wrong than mails can tell"
      means      = "More than a hundred connections are behind, have to be connected again, or have records that could not be stored. Those between the fifty oldest and the fifty newest have no mail of their own, and theirs from before close."
      first      = "The log lines with event=more: of what, and how many. All at once means one cause: look for that before any single one."
      logs       = "jsonPayload.event=\"more\""
      again      = 86400
      conditions = [{ name = "things without lines", filter = local.line.more, above = 0, window = 600, align = "ALIGN_DELTA", by = ["metric.label.of"] }]
    }
    watch-silent = {
      severity = "CRITICAL"
      title    = "nobody is watching"
      means    = "The function watch has not looked at the connections for 20 minutes. Other alerts cannot be trusted until it does."
      first    = "Cloud Run, service watch, its logs: is it called (Cloud Scheduler, job watch), and does the database answer?"
      logs     = "resource.labels.service_name=\"watch\""
      conditions = [
        { name = "no look at all", filter = local.line.watch, silent = 1200 },
        # A series without lines may also go on with zeros.
        { name = "no look finished", filter = local.line.watch, below = 1, window = 900, lasts = 300, align = "ALIGN_DELTA", missing = "EVALUATION_MISSING_DATA_ACTIVE" },
      ]
    }
    ticks-late = {
      severity = "CRITICAL"
      title    = "ticks are not answered"
      means    = "One tick after the other comes to be 510 seconds old and more, where they expire at 600 and the longest run that is in order takes 480; or most deliveries have been refused for 10 minutes."
      first    = "Cloud Run, service syncorg: does it start, does it answer, has it reached its largest number of instances?"
      logs     = "resource.labels.service_name=\"syncorg\" AND severity>=WARNING"
      conditions = [
        {
          name   = "oldest tick"
          filter = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.syncorg.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
          # Where ticks hang, the oldest grows to 600 s, expires, and the next is younger by what lies between two ticks: each
          # window has to hold a tick at its oldest. Measured once a minute, that one is 540 s old at least. The windows
          # slide: a single tick is seen for its last 90 s and a window, so it takes longer than that to be an outage.
          above = 510, window = max(300, local.ticks_apart), lasts = max(300, local.ticks_apart) + 120, align = "ALIGN_MAX"
        },
        # A tick that is refused is a dead letter after some minutes, and never grows that old.
        {
          name   = "share of deliveries refused"
          filter = "${local.deliveries} AND metric.labels.response_class!=\"ack\"", of = local.deliveries
          above  = 0.5, window = max(300, local.ticks_apart), lasts = 600, align = "ALIGN_DELTA"
        },
      ]
    }
    messages-dead = {
      severity = "ERROR"
      title    = "messages were given up"
      means    = "Messages were delivered again and again without success, and have just been moved to a dead-letter subscription. The next tick of an organisation makes up for one that was lost, if it is answered: ticks-late tells when most are not."
      first    = "`gcloud pubsub subscriptions pull ticks-dead --limit 10`: look at the attributes, then at the log of that time."
      logs     = "jsonPayload.event=\"sync_failed\""
      # Of their arrival, not of their being there: they lie there for a week, and would keep quiet about later ones.
      conditions = [{
        name   = "messages given up"
        filter = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.syncorg.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\""
        above  = 0, window = 600, align = "ALIGN_DELTA"
      }]
    }
    ticks-rejected = {
      severity   = "WARNING"
      title      = "ticks that nobody can serve"
      means      = "Ticks name organisations or connections that the database does not have, or are malformed. They are written down and not sent again."
      first      = "`SELECT * FROM sync.rejected_messages ORDER BY id DESC LIMIT 20`. A new organisation: has the job migrate run since it was added?"
      logs       = "jsonPayload.event=\"tick_rejected\""
      conditions = [{ name = "rejected ticks", filter = local.line.ticks_rejected, above = 0, window = 600, align = "ALIGN_DELTA" }]
    }
    budget-80 = {
      severity   = "WARNING"
      title      = "calls of the month: 80 %"
      means      = "At this pace more than 80 percent of the month's metered calls will be used."
      first      = "The log line event=budget has used, forecast and limit; sync.api_usage says which connections use them (metered_calls of each day)."
      logs       = "jsonPayload.event=\"budget\""
      conditions = [{ name = "forecast from 80 percent", filter = local.line.budget_80, above = 0, window = 600, lasts = 1800, align = "ALIGN_DELTA", by = ["metric.label.provider"] }]
    }
    budget-95 = {
      severity   = "ERROR"
      title      = "calls of the month: 95 %"
      means      = "At this pace the month's metered calls run out. Re-readings wait already; then polls become rarer, and data older."
      first      = "Raise Intuit's tier and QUICKBOOKS_MONTHLY_CALLS, or find the connection that uses most: sync.api_usage, metered_calls."
      logs       = "jsonPayload.event=\"budget\""
      conditions = [{ name = "forecast from 95 percent", filter = local.line.budget_95, above = 0, window = 600, lasts = 1800, align = "ALIGN_DELTA", by = ["metric.label.provider"] }]
    }
    job-failed = {
      severity = "ERROR"
      title    = "a job failed"
      means    = "An execution of a Cloud Run job ended with a failure, after all its attempts."
      first    = "`gcloud run jobs executions list --job NAME`: its log ends with what is wrong, in words. All jobs can be started again."
      logs     = "resource.type=\"cloud_run_job\" AND severity>=ERROR"
      conditions = [{
        name   = "failed executions"
        filter = "resource.type=\"cloud_run_job\" AND metric.type=\"run.googleapis.com/job/completed_execution_count\" AND metric.labels.result=\"failed\""
        above  = 0, window = 600, align = "ALIGN_DELTA", by = ["resource.label.job_name"]
      }]
    }
    job-missed = {
      severity   = "WARNING"
      title      = "a job has not ended well for too long"
      means      = "The daily job has not done all its work for more than 26 hours, or one of the comparisons has not come to the end of its list for more than two of its intervals and a day: nobody starts it, or something stops it each time."
      first      = "The log line with event=job_missed names it. `gcloud scheduler jobs list`: is it PAUSED? Then resume it; else look how its executions end."
      logs       = "jsonPayload.event=\"job_missed\""
      again      = 86400
      conditions = [{ name = "jobs missed", filter = local.line.job_missed, above = 0, window = 600, align = "ALIGN_DELTA", by = ["metric.label.job"] }]
    }
    schedule-failed = {
      severity = "ERROR"
      title    = "the schedule does not get through"
      means    = "Cloud Scheduler could not send a tick, start a job or call a function: refused, or answered with an error."
      first    = "`gcloud scheduler jobs list`: which, with what status. PERMISSION_DENIED: terraform apply; UNAVAILABLE: the function's log."
      logs     = "resource.type=\"cloud_scheduler_job\" AND severity>=ERROR"
      conditions = [{
        name   = "failed attempts"
        filter = "resource.type=\"cloud_scheduler_job\" AND metric.type=\"${local.user_metric}/not_started\""
        above  = 2, window = 900, align = "ALIGN_DELTA", by = ["resource.label.job_id"]
      }]
    }
    database-connections = {
      severity   = "ERROR"
      title      = "the database runs out of connections"
      means      = "More than 80 percent of max_connections are in use. When none is left, syncs and webhooks fail."
      first      = "`SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2 ORDER BY 3 DESC`. A person's tool that holds many: end it."
      logs       = "resource.type=\"cloudsql_database\""
      conditions = [{ name = "connections", filter = "${local.on_sql}/postgresql/num_backends\"", above = floor(var.database.max_connections * 0.8), window = 60, lasts = 300, align = "ALIGN_MAX" }]
    }
    database-disk = {
      severity = "ERROR"
      title    = "the database's disk is nearly full"
      means    = "The disk grows by itself before it comes to this: it has reached its limit, or does not keep up."
      first    = "Console, Cloud SQL, countinghouse, Edit, Storage: is there a limit, or does it not grow? Give it more at once; a disk cannot be made smaller again."
      logs     = "resource.type=\"cloudsql_database\""
      # Cloud SQL makes a disk larger when 5 GB + 1/25 of it, 25 GB at most, are free: of a terabyte, 97.5 percent are in use then.
      conditions = [{ name = "share of the disk", filter = "${local.on_sql}/disk/utilization\"", above = 0.98, window = 300, lasts = 900, align = "ALIGN_MEAN" }]
    }
    database-cpu = {
      severity   = "WARNING"
      title      = "the database works at its limit"
      means      = "More than 90 percent of the processors have been busy for half an hour. Syncs become slow; a first load of a big company may be the reason, and ends."
      first      = "Query insights in the console: which statement. If it is not a first load: a larger database.tier."
      logs       = "resource.type=\"cloudsql_database\""
      conditions = [{ name = "share of the processors", filter = "${local.on_sql}/cpu/utilization\"", above = 0.9, window = 300, lasts = 1800, align = "ALIGN_MEAN" }]
    }
    database-down = {
      severity   = "CRITICAL"
      title      = "the database is down"
      means      = "Cloud SQL says that the instance does not run. Ticks and webhooks are refused, and sent again by those who sent them."
      first      = "Console, Cloud SQL, Operations: is it maintenance, which ends by itself, or a failure? Without an operation: restart it."
      logs       = "resource.type=\"cloudsql_database\" AND severity>=ERROR"
      conditions = [{ name = "up", filter = "${local.on_sql}/up\"", below = 1, window = 60, lasts = 300, align = "ALIGN_MAX" }]
    }
    secret-writes = {
      severity = "WARNING"
      title    = "Secret Manager's write quota runs short"
      means    = "More than 70 percent of the 600 writes that a project may make in a minute. Beyond it new tokens are parked in the database, sealed."
      first    = "Which connections renew so often: sync.token_journal of the last hour. More than some 9,000 connections want a larger quota."
      logs     = "resource.labels.service_name=\"syncorg\" AND severity>=WARNING"
      # Not tried: the quota's name is that of the quota page, and nobody here has come near it.
      conditions = [{
        name   = "writes a minute"
        filter = "resource.type=\"consumer_quota\" AND resource.labels.service=\"secretmanager.googleapis.com\" AND metric.type=\"serviceruntime.googleapis.com/quota/rate/net_usage\" AND metric.labels.quota_metric=\"secretmanager.googleapis.com/write_requests\""
        above  = 420, window = 60, lasts = 300, align = "ALIGN_SUM"
      }]
    }
    webhooks-failing = {
      severity   = "ERROR"
      title      = "webhooks are not taken"
      means      = "Webhooks were good, or could not be checked, and we answered 503. Providers send them again for a while, then less, then stop."
      first      = "The log lines with event=webhook_failed say why. Mostly it is the database: does it answer?"
      logs       = "jsonPayload.event=\"webhook_failed\""
      conditions = [{ name = "failed webhooks", filter = local.line.webhooks_failed, above = 3, window = 600, align = "ALIGN_DELTA", by = ["metric.label.provider"] }]
    }
    webhooks-refused = {
      severity   = "WARNING"
      title      = "webhooks with bad signatures"
      means      = "Strangers try their luck; or the provider signs with a key that we do not have, and nothing of what it sends is taken."
      first      = "Do good ones arrive as well (event=webhook)? If none does since a change in Intuit's portal: quickbooks-webhook-verifier-token."
      logs       = "jsonPayload.event=\"webhook_refused\""
      conditions = [{ name = "refused webhooks", filter = local.line.webhooks_refused, above = 50, window = 3600, align = "ALIGN_DELTA", by = ["metric.label.provider"] }]
    }
    login-lost = {
      severity   = "ERROR"
      title      = "a login at a provider is nobody's"
      means      = "A consent was given or an Item made, and its token never got here, or could not be stored. Plaid bills such an Item until it is removed."
      first      = "The person may open the link again at once. An Item that nobody here can end (all but event=connect_lost): have Plaid's support remove it."
      logs       = "jsonPayload.event=(\"exchange_lost\" OR \"item_lost\" OR \"item_without_token\" OR \"connect_lost\")"
      conditions = [{ name = "a login lost", log = ["exchange_lost", "item_lost", "item_without_token", "connect_lost"], quoted = { event = "jsonPayload.event", connection = "jsonPayload.connection" } }]
    }
    leftovers = {
      severity   = "WARNING"
      title      = "something was left over"
      means      = "The daily job, or an erasure, found what it could not clear away: a secret without a connection, a token parked in the database, a login that its provider did not end."
      first      = "The log line says which. All but a secret without a connection is tried again by the next run."
      logs       = "jsonPayload.event=(\"orphaned_secret\" OR \"parked_token\" OR \"login_not_ended\" OR \"consent_not_revoked\")"
      conditions = [{ name = "a thing left over", log = ["orphaned_secret", "parked_token", "login_not_ended", "consent_not_revoked"], quoted = { event = "jsonPayload.event", connection = "jsonPayload.connection", name = "jsonPayload.name" } }]
    }
    public-errors = {
      severity = "ERROR"
      title    = "people and providers get errors"
      means    = "More than 5 percent of what a public function answers are errors of ours, for 10 minutes."
      first    = "Logs of the function, severity ERROR. Since a release: go back, deploy/rollback."
      logs     = "resource.type=\"cloud_run_revision\" AND httpRequest.status>=500"
      conditions = [{
        name   = "share of 5xx"
        filter = "${local.public_requests} AND metric.labels.response_code_class=\"5xx\"", of = local.public_requests
        above  = 0.05, window = 300, lasts = 600, align = "ALIGN_DELTA", by = ["resource.label.service_name"]
      }]
    }
    errors = {
      severity = "ERROR"
      title    = "errors in the log"
      means    = "More than 10 entries of severity ERROR in 15 minutes that no other alert is about."
      first    = "Error Reporting in the console groups them; their message says what failed."
      logs     = "severity>=ERROR"
      conditions = [
        { name = "in functions", filter = local.line.errors, above = 10, window = 900, align = "ALIGN_DELTA" },
        { name = "in jobs", filter = local.in_jobs.errors, above = 10, window = 900, align = "ALIGN_DELTA" },
      ]
    }
    bug = {
      severity = "ERROR"
      title    = "a bug"
      means    = "A program panicked, or a run failed for a reason that neither the provider nor its customer can mend. It is tried again, and may well end the same way."
      first    = "Error Reporting has the stack of a panic, and a group for each kind of failed run, whose lines say why. Since a release: go back, deploy/rollback."
      logs     = "severity>=ERROR AND (jsonPayload.stack_trace:* OR jsonPayload.event=\"sync_run\")"
      conditions = [
        { name = "panics of functions", filter = local.line.panics, above = 0, window = 600, align = "ALIGN_DELTA" },
        { name = "panics of jobs", filter = local.in_jobs.panics, above = 0, window = 600, align = "ALIGN_DELTA" },
        { name = "runs in functions", filter = local.line.runs_broken, above = 0, window = 600, align = "ALIGN_DELTA" },
        { name = "runs in jobs", filter = local.in_jobs.runs_broken, above = 0, window = 600, align = "ALIGN_DELTA" },
      ]
    }
    unreachable = {
      severity = "CRITICAL"
      title    = "nobody can connect"
      means    = "The function connect, seen from several continents, does not answer, or says that its database does not."
      first    = "Open its address with /ready. Without an answer: Cloud Run, service connect; with 503: the database."
      logs     = "resource.labels.service_name=\"connect\" AND severity>=WARNING"
      conditions = [{
        name   = "places that get no answer"
        filter = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.connect.uptime_check_id}\""
        above  = 1, window = 600, lasts = 300, align = "ALIGN_NEXT_OLDER", reduce = "REDUCE_COUNT_FALSE"
      }]
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alert_emails)

  display_name = each.value
  type         = "email"
  labels       = { email_address = each.value }
  depends_on   = [google_project_service.services]
}

# Cloud Monitoring knows a metric up to ten minutes after it was made, mostly within two. An apply that still says that
# it cannot find one is to be started again, once those ten minutes are over.
resource "terraform_data" "metrics_known" {
  triggers_replace = sort(concat(
    [for m in google_logging_metric.counted : m.name],
    [for m in google_logging_metric.measured : m.name],
    [for m in google_logging_metric.other : m.name],
  ))
  provisioner "local-exec" {
    command = "sleep ${var.metrics_known_after}"
  }
}

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.alerts

  display_name          = "${var.environment}: ${each.value.title}"
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = local.channels
  user_labels           = { alert = each.key }

  dynamic "conditions" {
    for_each = each.value.conditions
    content {
      display_name = conditions.value.name

      dynamic "condition_threshold" {
        for_each = can(conditions.value.window) ? [conditions.value] : []
        iterator = c
        content {
          filter                  = c.value.filter
          denominator_filter      = try(c.value.of, null)
          comparison              = can(c.value.above) ? "COMPARISON_GT" : "COMPARISON_LT"
          threshold_value         = try(c.value.above, c.value.below)
          duration                = "${try(c.value.lasts, 0)}s"
          evaluation_missing_data = try(c.value.missing, null)
          aggregations {
            alignment_period     = "${c.value.window}s"
            per_series_aligner   = c.value.align
            cross_series_reducer = try(c.value.reduce, "REDUCE_SUM")
            group_by_fields      = try(c.value.by, null)
          }
          dynamic "denominator_aggregations" {
            for_each = can(c.value.of) ? [c.value] : []
            content {
              alignment_period     = "${c.value.window}s"
              per_series_aligner   = c.value.align
              cross_series_reducer = "REDUCE_SUM"
              group_by_fields      = try(c.value.by, null)
            }
          }
          trigger {
            count = 1
          }
        }
      }

      dynamic "condition_absent" {
        for_each = can(conditions.value.silent) ? [conditions.value] : []
        iterator = c
        content {
          filter   = c.value.filter
          duration = "${c.value.silent}s"
          aggregations {
            alignment_period     = "60s"
            per_series_aligner   = "ALIGN_DELTA"
            cross_series_reducer = "REDUCE_SUM" # one series, whatever revision writes it
          }
          trigger {
            count = 1
          }
        }
      }

      dynamic "condition_matched_log" {
        for_each = can(conditions.value.log) ? [conditions.value] : []
        iterator = c
        content {
          filter           = "${local.of_programs} AND jsonPayload.event=(${join(" OR ", [for e in c.value.log : "\"${e}\""])})"
          label_extractors = { for label, field in c.value.quoted : label => "EXTRACT(${field})" }
        }
      }
    }
  }

  alert_strategy {
    auto_close = "3600s" # without news for so long it is over
    dynamic "notification_rate_limit" {
      for_each = can(each.value.conditions[0].log) ? [1] : [] # each line would be a mail otherwise
      content {
        period = "900s"
      }
    }
    dynamic "notification_channel_strategy" {
      for_each = can(each.value.again) ? [each.value.again] : []
      content {
        notification_channel_names = local.channels
        renotify_interval          = "${notification_channel_strategy.value}s" # 30 minutes to a day
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "Countinghouse ${var.environment}: ${each.value.title}"
    content   = "${each.value.means}\n\n**First:** ${each.value.first}\n\nMore: docs/operations.md#alert-${each.key}"
    links {
      display_name = "Log"
      url          = "https://console.cloud.google.com/logs/query;query=${replace(urlencode(each.value.logs), "+", "%20")};duration=PT3H?project=${var.project}"
    }
  }

  depends_on = [terraform_data.metrics_known]
}

# Every 5 minutes from several continents. Google's front end keeps paths that end in z for itself.
resource "google_monitoring_uptime_check_config" "connect" {
  display_name = "${var.environment}: connect"
  period       = "300s"
  timeout      = "10s"

  http_check {
    path         = "/ready"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }
  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = trimprefix(local.addresses.public, "https://")
    }
  }
  depends_on = [google_project_service.services]
}
