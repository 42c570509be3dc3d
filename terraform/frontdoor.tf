# One host name for people and providers: a global load balancer before the public functions, with a certificate
# that Google renews, and Cloud Armor. Only with var.domain; without it they are reached at Cloud Run's own addresses.
# First the domain's A record must name the address (output front_door), then the certificate is issued, within the hour.

locals {
  door  = var.domain == null ? toset([]) : toset(local.public_functions)
  doors = var.domain == null ? 0 : 1

  # From the path that is asked for to the function and the path that it knows. Whatever else is asked for goes to
  # connect, which says that it is not there.
  roads = {
    connect    = { to = "connect", paths = ["/connect", "/connect/*"], as = null }
    quickbooks = { to = "quickbookswebhook", paths = ["/webhooks/quickbooks"], as = "/" }
    disconnect = { to = "quickbookswebhook", paths = ["/webhooks/quickbooks/disconnect"], as = "/disconnect" }
    plaid      = { to = "plaidwebhook", paths = ["/webhooks/plaid"], as = "/" }
  }
}

resource "google_compute_global_address" "door" {
  count      = local.doors
  name       = "front-door"
  depends_on = [google_project_service.services]
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each              = local.door
  name                  = each.key
  region                = var.region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = google_cloud_run_v2_service.function[each.key].name
  }
}

resource "google_compute_backend_service" "function" {
  for_each              = local.door
  name                  = each.key
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = one(google_compute_security_policy.door[*].id)
  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }
  log_config {
    enable      = true
    sample_rate = 1 # who was turned away stands here, and nowhere else
  }
}

resource "google_compute_url_map" "door" {
  count           = local.doors
  name            = "front-door"
  default_service = google_compute_backend_service.function["connect"].id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "roads"
  }

  path_matcher {
    name            = "roads"
    default_service = google_compute_backend_service.function["connect"].id

    dynamic "path_rule" {
      for_each = local.roads
      content {
        paths   = path_rule.value.paths
        service = google_compute_backend_service.function[path_rule.value.to].id
        dynamic "route_action" {
          for_each = path_rule.value.as == null ? [] : [path_rule.value.as]
          content {
            url_rewrite {
              path_prefix_rewrite = route_action.value
            }
          }
        }
      }
    }
  }
}

# A certificate cannot be changed, only replaced; the new one must be there before the old one goes, so its name
# follows the domain.
resource "google_compute_managed_ssl_certificate" "door" {
  count = local.doors
  name  = "front-door-${substr(sha256(var.domain), 0, 8)}"
  managed {
    domains = [var.domain]
  }
  lifecycle {
    create_before_destroy = true
  }
  depends_on = [google_project_service.services]
}

resource "google_compute_ssl_policy" "door" {
  count           = local.doors
  name            = "front-door"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.services]
}

resource "google_compute_target_https_proxy" "door" {
  count            = local.doors
  name             = "front-door"
  url_map          = google_compute_url_map.door[0].id
  ssl_certificates = [google_compute_managed_ssl_certificate.door[0].id]
  ssl_policy       = google_compute_ssl_policy.door[0].id
}

resource "google_compute_global_forwarding_rule" "https" {
  count                 = local.doors
  name                  = "front-door-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.door[0].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.door[0].id
}

# http has one answer: https.
resource "google_compute_url_map" "http" {
  count = local.doors
  name  = "front-door-http"
  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT"
    strip_query            = false
  }
  depends_on = [google_project_service.services]
}

resource "google_compute_target_http_proxy" "http" {
  count   = local.doors
  name    = "front-door-http"
  url_map = google_compute_url_map.http[0].id
}

resource "google_compute_global_forwarding_rule" "http" {
  count                 = local.doors
  name                  = "front-door-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.door[0].id
  port_range            = "80"
  target                = google_compute_target_http_proxy.http[0].id
}

# Rules in the order of their priority; the first that is met and decides is the last.
locals {
  # Known attacks are looked for on the pages that people open. Never in webhooks: what is in them is whatever a customer
  # wrote into an invoice, and their signature says whether they are good. Least sensitive, since what a
  # provider hands back in an address (code, state) is random text.
  attacks = ["lfi-v33-stable", "scannerdetection-v33-stable", "protocolattack-v33-stable"]

  # Requests a minute from one address. Providers send all their webhooks from a few.
  pages_per_minute    = 120
  webhooks_per_minute = 6000
}

resource "google_compute_security_policy" "door" {
  count       = local.doors
  name        = "front-door"
  description = "Attacks on pages, and too much from one address"

  dynamic "rule" {
    for_each = local.attacks
    content {
      priority    = 1000 + rule.key
      action      = "deny(403)"
      description = rule.value
      match {
        expr {
          expression = "request.path.startsWith('/connect') && evaluatePreconfiguredWaf('${rule.value}', {'sensitivity': 1})"
        }
      }
    }
  }

  dynamic "rule" {
    for_each = [
      { path = "/webhooks/", at_most = local.webhooks_per_minute },
      { path = "/", at_most = local.pages_per_minute },
    ]
    content {
      priority    = 2000 + rule.key
      action      = "throttle"
      description = "${rule.value.at_most} a minute from one address below ${rule.value.path}"
      match {
        expr {
          expression = "request.path.startsWith('${rule.value.path}')"
        }
      }
      rate_limit_options {
        conform_action = "allow"
        exceed_action  = "deny(429)"
        enforce_on_key = "IP"
        rate_limit_threshold {
          count        = rule.value.at_most
          interval_sec = 60
        }
      }
    }
  }

  rule {
    priority    = 2147483647
    action      = "allow"
    description = "The rest"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [google_project_service.services]
}

output "front_door" {
  description = "Address that the domain's A record must name; null without a domain."
  value       = one(google_compute_global_address.door[*].address)
}
