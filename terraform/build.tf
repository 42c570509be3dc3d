# The account that builds and releases, and when it does. It can change what runs, and so, in the end, do
# what the programs may; by itself it reads no secret, no row and no token.

resource "google_project_iam_member" "builder" {
  for_each = toset([
    "roles/cloudbuild.builds.viewer",          # waits for older releases
    "roles/logging.logWriter",                 # a build's own log
    "roles/ondemandscanning.admin",            # looks for weaknesses in images
    "roles/serviceusage.serviceUsageConsumer", # scanning counts against the project
  ])
  project = var.project
  role    = each.key
  member  = local.members.builder
}

# What the scripts of deploy/ ask of Cloud Run: images, revisions and traffic of what Terraform has made. Google's own
# role would also make and delete services, and start every job, erase among them; the builder starts migrate alone
# (identity.tf).
resource "google_project_iam_custom_role" "releaser" {
  role_id = "countinghouseReleases"
  title   = "Countinghouse: release"
  permissions = [
    "run.configurations.get", "run.executions.get", "run.executions.list", "run.jobs.get", "run.jobs.list", "run.jobs.update",
    "run.operations.get", "run.revisions.get", "run.revisions.list", "run.routes.get", "run.services.get", "run.services.list", "run.services.update",
  ]
  depends_on = [google_project_service.services]
}

resource "google_project_iam_member" "releaser" {
  project = var.project
  role    = google_project_iam_custom_role.releaser.name
  member  = local.members.builder
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  repository = google_artifact_registry_repository.images.repository_id
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = local.members.builder
}

# A revision runs as its program's account: whoever makes one must be allowed to.
resource "google_service_account_iam_member" "builder_acts_as" {
  for_each           = google_service_account.runtime
  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountUser"
  member             = local.members.builder
}

# Signs for itself, to show private functions who looks at them: Cloud Build has no identity tokens to give.
resource "google_service_account_iam_member" "builder_signs" {
  service_account_id = google_service_account.helper["builder"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.members.builder
}

# Where gcloud builds submit leaves the sources; the builder reads them there, and no other bucket.
resource "google_storage_bucket" "sources" {
  name                        = "${var.project}-sources-${var.region}" # everybody's names: another region wants another
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.services]
}

resource "google_storage_bucket_iam_member" "builder" {
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = local.members.builder
}

locals {
  build_region = coalesce(var.build_region, var.region)
  substitutions = {
    _REGION     = var.region
    _REPOSITORY = google_artifact_registry_repository.images.repository_id
    _FUNCTIONS  = join(" ", keys(local.services))
    _JOBS       = join(" ", keys(local.tasks))
  }
}

# Each push to the branch. The repository is linked to Cloud Build by hand, once: its host wants a person.
resource "google_cloudbuild_trigger" "release" {
  count           = var.repository == null ? 0 : 1
  name            = "release"
  description     = "Tests, builds and releases what is pushed"
  location        = local.build_region
  filename        = "cloudbuild.yaml"
  service_account = "projects/${var.project}/serviceAccounts/${local.emails.builder}"
  substitutions   = local.substitutions

  repository_event_config {
    repository = var.repository.name
    push {
      branch = var.repository.branch
    }
  }

  depends_on = [google_project_iam_member.builder, google_project_iam_member.releaser]
}
