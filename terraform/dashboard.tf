# One page that says how it goes: from what is asked, over what is done, to how old the data is.

locals {
  # What is shown: a line for each value of the labels in by; more: another measure in the same chart.
  charts = [
    { title = "Ticks pushed to syncorg, by answer", filter = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.syncorg.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/push_request_count\"", align = "ALIGN_DELTA", reduce = "REDUCE_SUM", by = ["metric.label.response_class"] },
    { title = "Oldest tick, s", filter = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.syncorg.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"", align = "ALIGN_MAX", reduce = "REDUCE_MAX", by = [] },
    { title = "Runs, by outcome", filter = local.line.runs, align = "ALIGN_DELTA", reduce = "REDUCE_SUM", by = ["metric.label.provider", "metric.label.outcome"] },
    { title = "How long 19 of 20 runs take, ms", filter = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.user_metric}/run_time\"", align = "ALIGN_PERCENTILE_95", reduce = "REDUCE_MAX", by = ["metric.label.provider"] },
    { title = "Connections behind", filter = local.line.stale, align = "ALIGN_DELTA", reduce = "REDUCE_SUM", by = ["metric.label.provider"] },
    { title = "How far behind the worst are, min", filter = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.user_metric}/stale_minutes\"", align = "ALIGN_PERCENTILE_99", reduce = "REDUCE_MAX", by = ["metric.label.provider"] },
    { title = "Webhooks recorded", filter = local.line.webhooks, align = "ALIGN_DELTA", reduce = "REDUCE_SUM", by = ["metric.label.provider"] },
    { title = "Webhooks that failed", filter = local.line.webhooks_failed, align = "ALIGN_DELTA", reduce = "REDUCE_SUM", by = ["metric.label.provider"] },
    { title = "Calls of the month: forecast, %", filter = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.user_metric}/budget_percent\"", align = "ALIGN_DELTA", reduce = "REDUCE_MEAN", by = ["metric.label.provider"] },
    { title = "Database: connections (${var.database.max_connections} at most)", filter = "${local.on_sql}/postgresql/num_backends\"", align = "ALIGN_MAX", reduce = "REDUCE_SUM", by = [] },
    { title = "Database: share of the processors", filter = "${local.on_sql}/cpu/utilization\"", align = "ALIGN_MEAN", reduce = "REDUCE_MAX", by = [] },
    { title = "Dead letters: records, and messages", filter = local.line.dead_letters, align = "ALIGN_DELTA", reduce = "REDUCE_SUM", by = ["metric.label.provider"], more = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=one_of(${local.dead_subscriptions}) AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\"" },
  ]
}

resource "google_monitoring_dashboard" "overview" {
  dashboard_json = jsonencode({
    displayName = "Countinghouse ${var.environment}"
    mosaicLayout = {
      columns = 48
      tiles = [for i, chart in local.charts : {
        xPos   = i % 3 * 16
        yPos   = floor(i / 3) * 14
        width  = 16
        height = 14
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [for set in concat([chart], try([{ filter = chart.more, align = "ALIGN_MAX", reduce = "REDUCE_SUM", by = ["resource.label.subscription_id"] }], [])) : {
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = set.filter
                  aggregation = {
                    alignmentPeriod    = "300s"
                    perSeriesAligner   = set.align
                    crossSeriesReducer = set.reduce
                    groupByFields      = set.by
                  }
                }
              }
            }]
          }
        }
      }]
    }
  })

  lifecycle {
    ignore_changes = [dashboard_json] # Google gives it back with keys of its own: to see a change here, -replace it
  }

  depends_on = [google_logging_metric.counted, google_logging_metric.measured]
}
