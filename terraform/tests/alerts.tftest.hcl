# Somebody finds out: every alert reaches somebody, says what to do, and is made of something that is measured.

mock_provider "google" {}

variables {
  metrics_known_after = 0
}

run "alerts" {
  command = apply

  assert {
    condition = length(setsubtract([
      "organisation-stale", "reconnect-needed", "dead-letters", "more-than-lines", "watch-silent", "ticks-late", "messages-dead", "budget-80", "budget-95", "job-failed", "job-missed", "schedule-failed",
      "database-connections", "database-disk", "database-cpu", "database-down", "secret-writes", "webhooks-failing", "webhooks-refused", "login-lost", "public-errors", "errors", "bug", "unreachable",
    ], keys(google_monitoring_alert_policy.alert))) == 0
    error_message = "An alert is gone."
  }

  assert {
    condition = alltrue([for name, a in google_monitoring_alert_policy.alert :
      a.enabled != false
      && length(a.conditions) > 0
      && contains(["WARNING", "ERROR", "CRITICAL"], a.severity)
      && endswith(a.documentation[0].content, "docs/operations.md#alert-${name}")
      && length(a.documentation[0].content) > 120
      && length(split("**First:**", a.documentation[0].content)) == 2
      && a.documentation[0].subject != null
    ])
    error_message = "An alert that does not say what it means, what to do first, and where more stands."
  }

  assert {
    condition = (
      length(google_monitoring_notification_channel.email) > 0
      && toset([for c in google_monitoring_notification_channel.email : c.labels.email_address]) == toset(var.alert_emails)
      && alltrue([for a in google_monitoring_alert_policy.alert : toset(a.notification_channels) == toset([for c in google_monitoring_notification_channel.email : c.id])])
    )
    error_message = "An alert that reaches nobody."
  }

  # Cloud Monitoring refuses a filter without the kind of thing that is measured.
  assert {
    condition = alltrue(flatten([for a in google_monitoring_alert_policy.alert : [for c in a.conditions :
      [for m in concat(c.condition_threshold[*].filter, c.condition_absent[*].filter, [for f in c.condition_threshold[*].denominator_filter : f if f != null]) :
        length(regexall("^resource[.]type=\"[a-z_]+\" AND ", m)) == 1 && length(regexall("metric[.]type=\"[a-z]+[.]googleapis[.]com/[a-z_/0-9]+\"", m)) == 1
      ]
    ]]))
    error_message = "A filter that names no kind of resource, or not exactly one metric."
  }

  assert {
    condition = length(setsubtract(
      flatten(concat(
        [for a in google_monitoring_alert_policy.alert : [for c in a.conditions : [for m in concat(c.condition_threshold[*].filter, c.condition_absent[*].filter) : flatten(regexall("logging.googleapis.com/user/([a-z0-9_]+)", m))]]],
        [flatten(regexall("logging.googleapis.com/user/([a-z0-9_]+)", google_monitoring_dashboard.overview.dashboard_json))],
      )),
      concat([for m in google_logging_metric.counted : m.name], [for m in google_logging_metric.measured : m.name], [for m in google_logging_metric.other : m.name]),
    )) == 0
    error_message = "An alert or a chart of a metric that metrics.tf does not make: it would never say anything."
  }

  assert {
    condition = toset(flatten([for f in fileset(path.root, "*.tf") : [for r in regexall("(?m)^resource +\"(google_(?:monitoring|logging)_[a-z0-9_]*)\" +\"([a-z0-9_]+)\"", file(f)) : "${r[0]}.${r[1]}"]])) == toset([
      "google_logging_metric.counted", "google_logging_metric.measured", "google_logging_metric.other",
      "google_monitoring_alert_policy.alert", "google_monitoring_dashboard.overview", "google_monitoring_notification_channel.email", "google_monitoring_uptime_check_config.connect",
    ])
    error_message = "An alert or a metric outside of the tables in alerts.tf and metrics.tf."
  }

  # A series for each organisation would be ten thousand of them: only what watch tells has its name.
  assert {
    condition = alltrue([for m in concat(values(google_logging_metric.counted), values(google_logging_metric.measured)) :
      join(",", sort(keys(m.label_extractors))) == join(",", sort([for l in m.metric_descriptor[0].labels : l.key]))
      && length(setsubtract(keys(m.label_extractors), contains(["stale", "reconnect_needed", "dead_letters"], m.name) ? ["organisation", "provider"] : ["provider", "outcome", "job", "of"])) == 0
    ])
    error_message = "A metric with labels that take many values, or one whose labels come from nowhere."
  }

  # The first organisation that is behind must not keep quiet about the next; and what waits for a person is told again.
  assert {
    condition = alltrue([for name in ["organisation-stale", "reconnect-needed", "dead-letters"] :
      sort(google_monitoring_alert_policy.alert[name].conditions[0].condition_threshold[0].aggregations[0].group_by_fields) == tolist(["metric.label.organisation", "metric.label.provider"])
    ]) && google_monitoring_alert_policy.alert["job-missed"].conditions[0].condition_threshold[0].aggregations[0].group_by_fields == tolist(["metric.label.job"])
    error_message = "One organisation's trouble hides another's."
  }

  assert {
    condition = alltrue([for name in ["organisation-stale", "reconnect-needed", "dead-letters", "job-missed"] : one([for s in google_monitoring_alert_policy.alert[name].alert_strategy[0].notification_channel_strategy :
      s.renotify_interval == "86400s" && toset(s.notification_channel_names) == toset(google_monitoring_alert_policy.alert[name].notification_channels)
    ])])
    error_message = "What may last for days is told once, and then never again."
  }

  # What Google refuses: a rate for what is not made of log lines, none for what is; two conditions beside a log line;
  # missing data judged at once; parts of a minute.
  assert {
    condition = alltrue([for a in google_monitoring_alert_policy.alert :
      (length(flatten(a.conditions[*].condition_matched_log)) > 0) == (length(a.alert_strategy[0].notification_rate_limit) > 0)
      && (length(flatten(a.conditions[*].condition_matched_log)) == 0 || length(a.conditions) == 1)
      && tonumber(trimsuffix(a.alert_strategy[0].auto_close, "s")) >= 1800
    ])
    error_message = "An alert that Google refuses: see the comment."
  }

  assert {
    condition = alltrue(flatten([for a in google_monitoring_alert_policy.alert : [for t in flatten(a.conditions[*].condition_threshold) :
      (t.evaluation_missing_data == null || t.duration != "0s")
      && tonumber(trimsuffix(t.duration, "s")) % 60 == 0
      && tonumber(trimsuffix(t.aggregations[0].alignment_period, "s")) % 60 == 0
      && tonumber(trimsuffix(t.aggregations[0].alignment_period, "s")) >= 60
      && t.threshold_value != null
    ]]))
    error_message = "A threshold that Google refuses: see the comment."
  }

  # The oldest tick is measured once a minute, so it is seen up to a minute younger than the oldest that it can be.
  assert {
    condition = (
      google_monitoring_alert_policy.alert["ticks-late"].conditions[0].condition_threshold[0].threshold_value < tonumber(trimsuffix(google_pubsub_subscription.syncorg.message_retention_duration, "s")) - 60
      && tonumber(trimsuffix(google_monitoring_alert_policy.alert["ticks-late"].conditions[0].condition_threshold[0].aggregations[0].alignment_period, "s")) >= local.ticks_apart
      && google_monitoring_alert_policy.alert["ticks-late"].conditions[0].condition_threshold[0].aggregations[0].per_series_aligner == "ALIGN_MAX"
      && local.ticks_apart == 60 * (var.fleet ? 1 : min([for o in var.organisations : tonumber(trimprefix(split(" ", o.every)[0], "*/"))]...))
    )
    error_message = "Ticks that are not answered would be seen at their oldest now and then only, and the alert never be raised."
  }

  # One tick that hangs is above the threshold until it expires, and then for as long as a window reaches back, and a
  # minute for when it is measured.
  assert {
    condition = alltrue([for c in google_monitoring_alert_policy.alert["ticks-late"].conditions[0].condition_threshold :
      tonumber(trimsuffix(c.duration, "s")) >= tonumber(trimsuffix(c.aggregations[0].alignment_period, "s")) + tonumber(trimsuffix(google_pubsub_subscription.syncorg.message_retention_duration, "s")) - c.threshold_value + 30
    ])
    error_message = "One slow tick would raise ticks-late."
  }

  # Those that are refused are dead letters before they are old.
  assert {
    condition = (
      google_monitoring_alert_policy.alert["ticks-late"].conditions[1].condition_threshold[0].filter == "${google_monitoring_alert_policy.alert["ticks-late"].conditions[1].condition_threshold[0].denominator_filter} AND metric.labels.response_class!=\"ack\""
      && strcontains(google_monitoring_alert_policy.alert["ticks-late"].conditions[1].condition_threshold[0].denominator_filter, "subscription_id=\"${google_pubsub_subscription.syncorg.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/push_request_count\"")
      && google_monitoring_alert_policy.alert["ticks-late"].conditions[1].condition_threshold[0].threshold_value == 0.5
      && google_monitoring_alert_policy.alert["ticks-late"].conditions[1].condition_threshold[0].duration == "600s"
      && tonumber(trimsuffix(google_monitoring_alert_policy.alert["ticks-late"].conditions[1].condition_threshold[0].aggregations[0].alignment_period, "s")) >= local.ticks_apart
    )
    error_message = "Ticks that are all refused, and nobody is told."
  }

  assert {
    condition     = google_monitoring_alert_policy.alert["ticks-late"].conditions[0].condition_threshold[0].threshold_value > tonumber(trimsuffix(local.values.SYNC_LIMIT, "s"))
    error_message = "A first load would raise ticks-late."
  }

  assert {
    condition = (
      one(flatten(google_monitoring_alert_policy.alert["watch-silent"].conditions[*].condition_absent)).duration == "1200s"
      && google_monitoring_alert_policy.alert["database-connections"].conditions[0].condition_threshold[0].threshold_value == floor(var.database.max_connections * 0.8)
    )
    error_message = "watch is silent after 20 minutes; connections are few from 80 percent."
  }

  # Messages lie there for a week: only their arrival is news.
  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.alert["messages-dead"].conditions[0].condition_threshold[0].filter, "subscription_id=\"${google_pubsub_subscription.syncorg.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\"")
      && google_monitoring_alert_policy.alert["messages-dead"].conditions[0].condition_threshold[0].aggregations[0].per_series_aligner == "ALIGN_DELTA"
      && length(flatten([for f in fileset(path.root, "*.tf") : regexall("dead_letter_policy \\{", file(f))])) == 1
    )
    error_message = "A subscription that gives messages up, and nobody is told when."
  }

  # Google's front end answers paths that end in z by itself, with 404.
  assert {
    condition = (
      !endswith(google_monitoring_uptime_check_config.connect.http_check[0].path, "z")
      && google_monitoring_uptime_check_config.connect.http_check[0].use_ssl
      && "https://${google_monitoring_uptime_check_config.connect.monitored_resource[0].labels.host}" == local.values.PUBLIC_URL
    )
    error_message = "connect is not looked at where people reach it."
  }

  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.overview.dashboard_json).mosaicLayout.tiles) <= 12 && length(distinct([for t in jsondecode(google_monitoring_dashboard.overview.dashboard_json).mosaicLayout.tiles : "${t.xPos},${t.yPos}"])) == length(jsondecode(google_monitoring_dashboard.overview.dashboard_json).mosaicLayout.tiles) && alltrue([for t in jsondecode(google_monitoring_dashboard.overview.dashboard_json).mosaicLayout.tiles : t.xPos + t.width <= 48])
    error_message = "The dashboard is one page of twelve charts that do not cover each other."
  }

  assert {
    condition     = length(google_billing_budget.month) == (var.monthly_budget == null ? 0 : 1)
    error_message = "A budget where one is named, and nowhere else."
  }

  assert {
    condition     = length(google_compute_global_forwarding_rule.https) == (var.domain == null ? 0 : 1) && length(google_compute_backend_service.function) == (var.domain == null ? 0 : length(local.public_functions))
    error_message = "A load balancer is paid for without a domain, or missing with one."
  }
}

# With few looks the ticks lie further apart than the window is long elsewhere.
run "seldom" {
  command = plan
  variables {
    fleet         = false
    organisations = { one = { name = "One", every = "*/15 * * * *" }, two = { name = "Two", every = "*/10 * * * *" } }
  }

  assert {
    condition     = google_monitoring_alert_policy.alert["ticks-late"].conditions[0].condition_threshold[0].aggregations[0].alignment_period == "600s" && google_monitoring_alert_policy.alert["ticks-late"].conditions[0].condition_threshold[0].duration == "720s"
    error_message = "The window does not reach from one tick to the next."
  }
}

run "budget" {
  command = plan
  variables {
    monthly_budget  = 150
    billing_account = "000000-000000-000000"
  }

  assert {
    condition = (
      google_billing_budget.month[0].amount[0].specified_amount[0].units == "150"
      && join(" ", [for r in google_billing_budget.month[0].threshold_rules : "${r.threshold_percent}${r.spend_basis == "FORECASTED_SPEND" ? "f" : ""}"]) == "0.5 0.8 1 1f"
      && length(google_billing_budget.month[0].all_updates_rule[0].monitoring_notification_channels) > 0
    )
    error_message = "Somebody is told at 50, 80 and 100 percent, and when the forecast reaches 100."
  }
}

run "front_door" {
  command = apply
  variables {
    domain = "books.example.com"
    plaid  = { client_id = "a-plaid-app" }
  }

  assert {
    condition = { for r in google_compute_url_map.door[0].path_matcher[0].path_rule : join(" ", sort(r.paths)) => "${r.service} ${try(r.route_action[0].url_rewrite[0].path_prefix_rewrite, "as it is")}" } == {
      "/connect /connect/*"             = "${google_compute_backend_service.function["connect"].id} as it is"
      "/webhooks/plaid"                 = "${google_compute_backend_service.function["plaidwebhook"].id} /"
      "/webhooks/quickbooks"            = "${google_compute_backend_service.function["quickbookswebhook"].id} /"
      "/webhooks/quickbooks/disconnect" = "${google_compute_backend_service.function["quickbookswebhook"].id} /disconnect"
    }
    error_message = "A path leads to another function than the one that answers it, or to a path that it does not know."
  }

  assert {
    condition     = toset([for name, g in google_compute_region_network_endpoint_group.function : g.cloud_run[0].service]) == toset([for name, f in google_cloud_run_v2_service.function : name if f.invoker_iam_disabled])
    error_message = "A private function stands behind the front door, or a public one does not."
  }

  assert {
    condition = (
      output.intuit.webhook_endpoint == "https://books.example.com/webhooks/quickbooks"
      && output.intuit.disconnect_address == "https://books.example.com/webhooks/quickbooks/disconnect"
      && output.plaid.webhook_endpoint == "https://books.example.com/webhooks/plaid"
      && local.environment.connect.PLAID_WEBHOOK_URL == "https://books.example.com/webhooks/plaid"
      && local.environment.connect.PUBLIC_URL == "https://books.example.com"
      && google_monitoring_uptime_check_config.connect.monitored_resource[0].labels.host == "books.example.com"
      && join(",", flatten([for h in google_compute_url_map.door[0].host_rule : tolist(h.hosts)])) == "books.example.com"
      && google_compute_managed_ssl_certificate.door[0].managed[0].domains[0] == "books.example.com"
    )
    error_message = "Providers, people or the check are sent to another address than the front door's."
  }

  # A customer may write anything into an invoice; its webhook must get through.
  assert {
    condition     = alltrue([for r in google_compute_security_policy.door[0].rule : startswith(r.match[0].expr[0].expression, "request.path.startsWith('/connect') && evaluatePreconfiguredWaf(") if startswith(r.action, "deny")]) && length([for r in google_compute_security_policy.door[0].rule : r if startswith(r.action, "deny")]) >= 3
    error_message = "Attacks are looked for elsewhere than on the pages that people open, or nowhere."
  }

  assert {
    condition = (
      one([for r in google_compute_security_policy.door[0].rule : r.rate_limit_options[0].rate_limit_threshold[0].count if r.priority == 2000]) >= 1000
      && one([for r in google_compute_security_policy.door[0].rule : r.match[0].expr[0].expression if r.priority == 2000]) == "request.path.startsWith('/webhooks/')"
      && one([for r in google_compute_security_policy.door[0].rule : r.rate_limit_options[0].enforce_on_key if r.priority == 2001]) == "IP"
      && one([for r in google_compute_security_policy.door[0].rule : r.action if r.priority == 2147483647]) == "allow"
      && alltrue([for b in google_compute_backend_service.function : b.security_policy == google_compute_security_policy.door[0].id])
    )
    error_message = "Addresses are held back one by one, webhooks late, and at every door."
  }

  assert {
    condition = (
      google_compute_url_map.http[0].default_url_redirect[0].https_redirect
      && google_compute_global_forwarding_rule.http[0].target == google_compute_target_http_proxy.http[0].id
      && google_compute_target_http_proxy.http[0].url_map == google_compute_url_map.http[0].id
      && google_compute_ssl_policy.door[0].min_tls_version == "TLS_1_2"
      && google_compute_target_https_proxy.door[0].ssl_policy == google_compute_ssl_policy.door[0].id
    )
    error_message = "Something is served without TLS, or with an old one."
  }
}
