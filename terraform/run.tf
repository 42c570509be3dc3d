# The programs of house.tf, on Cloud Run. Terraform makes them with an image of Google's that does nothing;
# images and traffic belong to cloudbuild.yaml, and are left alone here. So a changed setting of a function
# is at work once something has been released, the same commit if need be; a job's at its next execution.

locals {
  banks = var.plaid.client_id != ""

  # What is there, with var.scale's figures in place of house.tf's, and the variables that its groups stand for.
  programs = {
    for name, p in merge(local.functions, local.jobs) : name => merge(
      p,
      { for k, v in try(var.scale[name], {}) : k => v if v != null },
      { variables = sort(distinct(flatten([for g in p.reads : local.groups[g]]))) },
    )
  }
  services = { for name, p in local.programs : name => p if contains(keys(local.functions), name) }
  tasks    = { for name, p in local.programs : name => p if contains(keys(local.jobs), name) }

  # Plain variables by program; the Go runtime's limit lies below the instance's, so that it cleans up first.
  environment = {
    for name, p in local.programs : name => merge(
      { GOMEMLIMIT = "${floor(p.memory * 0.8)}MiB" },
      { for v in p.variables : v => local.values[v] if try(local.values[v], "") != "" },
      { for v in p.variables : v => local.own_values[v][name] if contains(keys(local.own_values), v) },
    )
  }
  secret_environment = {
    for name, p in local.programs : name => { for v in p.variables : v => local.secret_values[v] if contains(keys(local.secret_values), v) }
  }
}

resource "google_cloud_run_v2_service" "function" {
  for_each            = local.services
  name                = each.key
  location            = var.region
  deletion_protection = false # it holds nothing
  # Everything may knock: Cloud Run's IAM turns away whoever has no business here, and a release is looked at
  # from outside before it gets traffic. So with a domain the addresses of Cloud Run still answer, too.
  ingress = "INGRESS_TRAFFIC_ALL"
  # Public ones check signatures themselves. This instead of allUsers in IAM, which many organisations forbid.
  invoker_iam_disabled = each.value.caller == "everyone"

  template {
    service_account                  = local.emails[each.key]
    timeout                          = "${each.value.timeout}s"
    max_instance_request_concurrency = each.value.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      min_instance_count = each.value.min
      max_instance_count = each.value.max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = google_compute_network.private.id
        subnetwork = google_compute_subnetwork.programs.id
      }
    }

    containers {
      image = "us-docker.pkg.dev/cloudrun/container/hello"

      ports {
        container_port = 8080
      }

      resources {
        limits            = { cpu = tostring(each.value.cpu), memory = "${each.value.memory}Mi" }
        cpu_idle          = true # paid for while there is a request
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 30
        tcp_socket {
          port = 8080
        }
      }

      # Says that the process answers, no more: one whose database is away must not be killed for it.
      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 3
        http_get {
          path = "/healthz"
          port = 8080
        }
      }

      dynamic "env" {
        for_each = local.environment[each.key]
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secret_environment[each.key]
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.app[env.value].secret_id
              version = "latest"
            }
          }
        }
      }
    }
  }

  lifecycle {
    # gcloud leaves marks of its own on what it releases.
    ignore_changes = [template[0].containers[0].image, template[0].labels, template[0].annotations, traffic, client, client_version]

    precondition {
      condition     = each.value.concurrency > 1 && each.value.min <= each.value.max && each.value.max >= 1
      error_message = "scale.${each.key}: concurrency wants more than 1, and max at least 1 and min."
    }
  }

  depends_on = [
    google_secret_manager_secret_iam_member.reader,
    google_secret_manager_secret_version.unset,
    google_project_iam_member.database,
    google_service_networking_connection.services,
    google_sql_database.countinghouse,
    google_sql_user.program,
    google_pubsub_topic.topic,
  ]
}

resource "google_cloud_run_v2_job" "job" {
  for_each            = local.tasks
  name                = each.key
  location            = var.region
  deletion_protection = false

  template {
    task_count  = 1
    parallelism = 1

    template {
      service_account       = local.emails[each.key]
      timeout               = "${each.value.timeout}s"
      max_retries           = each.value.retries
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = google_compute_network.private.id
          subnetwork = google_compute_subnetwork.programs.id
        }
      }

      containers {
        image = "us-docker.pkg.dev/cloudrun/container/job"
        args  = each.value.args

        resources {
          limits = { cpu = tostring(each.value.cpu), memory = "${each.value.memory}Mi" }
        }

        dynamic "env" {
          for_each = local.environment[each.key]
          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.secret_environment[each.key]
          content {
            name = env.key
            value_source {
              secret_key_ref {
                secret  = google_secret_manager_secret.app[env.value].secret_id
                version = "latest"
              }
            }
          }
        }

        dynamic "volume_mounts" {
          for_each = each.value.bucket == null ? [] : [each.value.bucket]
          content {
            name       = "exports"
            mount_path = volume_mounts.value
          }
        }
      }

      dynamic "volumes" {
        for_each = each.value.bucket == null ? [] : [each.value.bucket]
        content {
          name = "exports"
          gcs {
            bucket    = google_storage_bucket.exports.name
            read_only = false
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].template[0].containers[0].image, template[0].labels, template[0].annotations, client, client_version]
  }

  depends_on = [
    google_secret_manager_secret_iam_member.reader,
    google_secret_manager_secret_version.unset,
    google_project_iam_member.database,
    google_service_networking_connection.services,
    google_sql_database.countinghouse,
    google_sql_user.program,
    google_pubsub_topic.topic,
    google_storage_bucket_iam_policy.exports,
  ]
}
