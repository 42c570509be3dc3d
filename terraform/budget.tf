# What a month may cost. Google tells, and stops nothing. Whoever applies this needs the right to make budgets on the
# billing account (roles/billing.costsManager): it is not the project's to give.

resource "google_billing_budget" "month" {
  count = var.monthly_budget != null && var.billing_account != null ? 1 : 0

  billing_account = var.billing_account
  display_name    = "Countinghouse ${var.environment}"

  budget_filter {
    projects               = ["projects/${data.google_project.this.number}"]
    calendar_period        = "MONTH"
    credit_types_treatment = "EXCLUDE_ALL_CREDITS" # a free trial would hide what it will cost
  }

  amount {
    specified_amount {
      units = tostring(floor(var.monthly_budget))
    }
  }

  dynamic "threshold_rules" {
    for_each = [
      { share = 0.5, basis = "CURRENT_SPEND" },
      { share = 0.8, basis = "CURRENT_SPEND" },
      { share = 1, basis = "CURRENT_SPEND" },
      { share = 1, basis = "FORECASTED_SPEND" },
    ]
    content {
      threshold_percent = threshold_rules.value.share
      spend_basis       = threshold_rules.value.basis
    }
  }

  all_updates_rule {
    # Google takes five; the administrators of the billing account are told as well.
    monitoring_notification_channels = slice(local.channels, 0, min(5, length(local.channels)))
  }

  depends_on = [google_project_service.services]
}
