# Where jobs/export puts all that an organisation has here, for whoever leaves to take along. A file is deleted
# after 30 days, and can be had back for 7 more.

resource "google_storage_bucket" "exports" {
  name                        = "${var.project}-exports-${var.region}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  lifecycle_rule {
    condition {
      age = 30
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.services]
}

# All who may do anything there. Google would let everybody in who may look at the project.
resource "google_storage_bucket_iam_policy" "exports" {
  bucket = google_storage_bucket.exports.name
  policy_data = jsonencode({
    bindings = [
      { role = "roles/storage.admin", members = ["projectOwner:${var.project}"] },
      { role = "roles/storage.objectUser", members = [local.members.export] },
    ]
  })
}
