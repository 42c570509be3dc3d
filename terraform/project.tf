# The project itself: what of Google Cloud is used in it, who has read tokens, and where images lie.

data "google_project" "this" {}

resource "google_project_service" "services" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtrace.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "ondemandscanning.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com",
  ])
  service            = each.key
  disable_on_destroy = false
}

# Cloud Logging keeps who read which secret, and when: the first question after a leak.
resource "google_project_iam_audit_config" "secrets" {
  project = var.project
  service = "secretmanager.googleapis.com"
  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
  depends_on = [google_project_service.services]
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "countinghouse"
  location      = var.region
  format        = "DOCKER"
  description   = "An image for each folder of functions/ and jobs/, a tag for each release"

  # Of each image the last thirty stay, whether they were released or only built: as far as one can go back. The one
  # at work is among them unless thirty have been built since without a release.
  cleanup_policies {
    id     = "keep-the-last-thirty"
    action = "KEEP"
    most_recent_versions {
      keep_count = 30
    }
  }
  cleanup_policies {
    id     = "delete-the-rest"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "604800s" # a week: long enough to look at what has gone wrong
    }
  }

  depends_on = [google_project_service.services]
}
