# The books are in one place: it is not reached from outside, not deleted by mistake, and can be had back.

mock_provider "google" {}

variables {
  metrics_known_after = 0
}

run "primary" {
  command = plan
  variables {
    database = { tier = "db-custom-2-7680", max_connections = 300, ha = true, disk_gb = 100 }
  }

  assert {
    condition = toset(flatten([for f in fileset(path.root, "*.tf") : [for r in regexall("(?m)^resource +\"(google_(?:sql|alloydb|spanner|bigquery|storage)_[a-z0-9_]*)\" +\"([a-z0-9_]+)\"", file(f)) : "${r[0]}.${r[1]}"]])) == toset([
      "google_sql_database.countinghouse", "google_sql_database_instance.primary", "google_sql_database_instance.replica", "google_sql_user.program",
      "google_storage_bucket.exports", "google_storage_bucket.sources", "google_storage_bucket_iam_member.builder", "google_storage_bucket_iam_policy.exports",
    ])
    error_message = "Another place for customers' data: name it here, and say below (or in rights) who reaches it and how it is had back."
  }

  # This is a first plan: what is not known before the instance is there would be no answer here.
  assert {
    condition = (
      alltrue([for name, vars in local.environment : "${vars.INSTANCE_CONNECTION_NAME}/${vars.DB_NAME}" == "${var.project}:${var.region}:${google_sql_database_instance.primary.name}/${google_sql_database.countinghouse.name}"])
      && toset(split(",", local.environment.migrate.DB_PROGRAM_USERS)) == toset([for u in google_sql_user.program : u.name])
      && { for name, u in google_sql_user.program : name => u.name } == { for name, vars in local.environment : name => vars.DB_IAM_USER if contains(keys(vars), "DB_IAM_USER") }
      && local.environment.syncorg.SYNC_TOPIC == google_pubsub_topic.topic["ticks"].name
    )
    error_message = "Programs are sent to another database, login or topic than there is."
  }

  assert {
    condition = (
      !google_sql_database_instance.primary.settings[0].ip_configuration[0].ipv4_enabled
      && length(google_sql_database_instance.primary.settings[0].ip_configuration[0].authorized_networks) == 0
    )
    error_message = "The database has a public address."
  }

  assert {
    condition     = alltrue([for i in concat([google_sql_database_instance.primary], google_sql_database_instance.replica) : i.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"])
    error_message = "Somebody may speak to a database in clear text."
  }

  assert {
    condition     = alltrue([for i in concat([google_sql_database_instance.primary], google_sql_database_instance.replica) : i.deletion_protection && i.settings[0].deletion_protection_enabled]) && google_sql_database.countinghouse.deletion_policy == "ABANDON"
    error_message = "A database could be deleted by a plan that nobody has read."
  }

  assert {
    condition = alltrue([for b in google_sql_database_instance.primary.settings[0].backup_configuration :
      b.enabled && b.point_in_time_recovery_enabled && b.transaction_log_retention_days >= 7 && b.backup_retention_settings[0].retained_backups >= 7
    ]) && google_sql_database_instance.primary.settings[0].retain_backups_on_delete
    error_message = "Backups, and transactions of seven days, are what a restore is made of."
  }

  assert {
    condition     = { for f in google_sql_database_instance.primary.settings[0].database_flags : f.name => f.value }["cloudsql.iam_authentication"] == "on" && { for f in google_sql_database_instance.primary.settings[0].database_flags : f.name => f.value }["max_connections"] == "300"
    error_message = "Programs sign in by their accounts, and max_connections is the variable's."
  }

  # What statements hold is customers' data.
  assert {
    condition     = length(setintersection([for f in google_sql_database_instance.primary.settings[0].database_flags : f.name], ["log_statement", "log_min_duration_statement", "log_parameter_max_length", "auto_explain.log_min_duration", "pgaudit.log"])) == 0
    error_message = "The database would write what is in statements into the log."
  }

  assert {
    condition     = google_sql_database_instance.primary.settings[0].availability_type == "REGIONAL" && startswith(google_sql_database_instance.primary.database_version, "POSTGRES_") && google_sql_database_instance.primary.settings[0].disk_autoresize
    error_message = "ha wants a second machine; and PostgreSQL it is."
  }

  assert {
    condition = (
      output.connections.functions == sum([for name, f in google_cloud_run_v2_service.function : f.template[0].scaling[0].max_instance_count * tonumber(local.own_values.DB_MAX_CONNECTIONS[name])])
      && output.connections.jobs == sum([for name in keys(google_cloud_run_v2_job.job) : tonumber(local.own_values.DB_MAX_CONNECTIONS[name])])
      && output.connections.sum >= output.connections.functions + output.connections.jobs + 10
      && output.connections.sum <= output.connections.allowed
    )
    error_message = "Everything at its largest opens more connections than the database has, or than it is said to."
  }

  assert {
    condition     = length(google_sql_database_instance.replica) == 0
    error_message = "A replica that nobody asked for."
  }
}

run "replica" {
  command = plan
  variables {
    database = { tier = "db-custom-2-7680", max_connections = 300, replica = { tier = "db-custom-1-3840", networks = { office = "203.0.113.7/32" } } }
  }

  assert {
    condition = (
      google_sql_database_instance.replica[0].master_instance_name == "countinghouse"
      && join(",", [for n in google_sql_database_instance.replica[0].settings[0].ip_configuration[0].authorized_networks : n.value]) == "203.0.113.7/32"
      && google_sql_database_instance.replica[0].settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
      && google_sql_database_instance.replica[0].deletion_protection && google_sql_database_instance.replica[0].settings[0].deletion_protection_enabled
      && !google_sql_database_instance.primary.settings[0].ip_configuration[0].ipv4_enabled
    )
    error_message = "The replica lets in the networks that are named, encrypted; the primary nobody."
  }
}

# A region is lost, or a clone takes over: the instance has another name, and everybody is sent to that.
run "another_instance" {
  command = plan
  variables {
    region   = "europe-west1"
    database = { name = "countinghouse-2", tier = "db-custom-2-7680", max_connections = 300, replica = { tier = "db-custom-1-3840", networks = {}, region = "europe-west4" } }
  }

  assert {
    condition = (
      google_sql_database_instance.primary.name == "countinghouse-2" && google_sql_database_instance.primary.region == "europe-west1"
      && google_sql_database_instance.replica[0].name == "countinghouse-2-replica" && google_sql_database_instance.replica[0].region == "europe-west4"
      && google_sql_database_instance.replica[0].master_instance_name == "countinghouse-2"
    )
    error_message = "The instance, or its replica, is not where it was to be, or not called so."
  }

  assert {
    condition     = alltrue([for name, vars in local.environment : vars.INSTANCE_CONNECTION_NAME == "${var.project}:europe-west1:countinghouse-2"]) && strcontains(output.next_steps, "--instance=countinghouse-2 ")
    error_message = "Programs, or people, are sent to the instance before."
  }

  # Names that nobody else in the world may have outlive the region in which a bucket is.
  assert {
    condition     = alltrue([for b in [google_storage_bucket.exports, google_storage_bucket.sources] : endswith(b.name, "-europe-west1")])
    error_message = "A bucket of another region would want the name of the one that is lost."
  }

  # docs/operations.md has all that is in a region forgotten by these words: a kind that they miss would keep
  # Terraform waiting for the lost region.
  assert {
    condition = alltrue(flatten([for f in fileset(path.root, "*.tf") : [for block in split("\nresource \"", "\n${file(f)}") :
      can(regex("^google_(artifact_registry|cloud_run|cloud_scheduler|cloudbuild|compute_region|compute_subnetwork|sql|storage_bucket)", block))
      if startswith(block, "google_") && can(regex("(?m)^ *(region|location) *= .*(var\\.region|local\\.build_region)", block))
    ]]))
    error_message = "There is something else that is in a region: add it to the words in docs/operations.md, The region is gone, and here."
  }
}

run "a_zone_is_no_region" {
  command = plan
  variables {
    database = { tier = "db-custom-2-7680", max_connections = 300, replica = { tier = "db-custom-1-3840", networks = {}, region = "europe-west4-a" } }
  }
  expect_failures = [var.database]
}

run "the_whole_world" {
  command = plan
  variables {
    database = { tier = "db-custom-2-7680", max_connections = 300, replica = { tier = "db-custom-1-3840", networks = { all = "0.0.0.0/0" } } }
  }
  expect_failures = [var.database]
}

run "backups_that_outlive_the_log" {
  command = plan
  variables {
    database = { tier = "db-custom-2-7680", max_connections = 300, backups_kept = 31 }
  }
  expect_failures = [var.database]
}
