# PostgreSQL. Programs reach it by a private address, through Cloud SQL's connectors, signed in by their own
# service accounts. AppSheet and BI tools can do neither: they read a replica.

locals {
  instance = var.database.name
  database = "countinghouse"

  # How each account is called in the database, and those that have a login of their own there.
  database_users = { for name in keys(local.programs) : name => "${local.account_ids[name]}@${var.project}.iam" }
  logins         = { for name, p in local.programs : name => local.database_users[name] if contains(p.reads, "login") }

  # What one PostgreSQL has to serve when everything is at its largest, all jobs at once included.
  connections = {
    functions = sum([for name, f in local.services : f.max * f.db_connections])
    releases  = sum([for name, f in local.services : f.max * f.db_connections]) # instances of the one before keep theirs for a while
    jobs      = sum([for name, j in local.tasks : j.db_connections])
    people    = 10 # readers, and whoever looks into a failure
    reserved  = 6  # PostgreSQL's own three, and Cloud SQL's agents
  }
  connections_wanted = sum(values(local.connections))

  # On the primary and its replica alike. What is left out on purpose: log_min_duration_statement, which
  # writes the values of statements into the log; slow ones are seen in Query Insights, without values.
  database_flags = {
    "cloudsql.iam_authentication" = "on"
    "max_connections"             = tostring(var.database.max_connections)
    "log_checkpoints"             = "on"
    "log_lock_waits"              = "on"
    "log_temp_files"              = "10240" # kB: a statement that needed more memory than it may have
    "log_error_verbosity"         = "terse" # without the rows that an error is about
  }
}

resource "google_sql_database_instance" "primary" {
  name                = local.instance
  region              = var.region
  database_version    = "POSTGRES_16"
  deletion_protection = true # for Terraform; the other one, below, for everybody

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.database.tier
    availability_type           = var.database.ha ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.database.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = true
    retain_backups_on_delete    = true
    # REQUIRED would turn away whatever is not a connector: that may be Cloud SQL Studio, where people look into a failure.
    # The private address, and ENCRYPTED_ONLY, let nobody in from outside either way.
    connector_enforcement = "NOT_REQUIRED"

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.private.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    # The night's backup, and every transaction since: any second of the last seven days can be restored.
    backup_configuration {
      enabled                        = true
      start_time                     = "02:00" # UTC
      location                       = var.database.backup_location
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = var.database.backups_kept
        retention_unit   = "COUNT"
      }
    }

    maintenance_window {
      day          = 7 # Sunday
      hour         = 3 # UTC; a minute or two without a database, which ticks make up for
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      query_string_length     = 1024
      record_application_tags = false
      record_client_address   = false
    }

    dynamic "database_flags" {
      for_each = local.database_flags
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    ignore_changes = [settings[0].disk_size] # it has grown by itself

    precondition {
      condition     = local.connections_wanted <= var.database.max_connections
      error_message = "The programs may open ${local.connections_wanted} connections to the database (${jsonencode(local.connections)}), and database.max_connections is ${var.database.max_connections}. Raise it, or lower max or db_connections in scale."
    }
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "countinghouse" {
  name            = local.database
  instance        = google_sql_database_instance.primary.name
  deletion_policy = "ABANDON" # no plan of Terraform's is to drop it
}

# A login for each program that signs in by its service account. It may do nothing until jobs/migrate has
# made it a member of countinghouse_program (DB_PROGRAM_USERS).
#
# The owner of all tables, the built-in user migrate, is not made here, because its password would stand in
# Terraform's state. It is made once, by hand, and its password goes to the secret database-password: see the
# output next_steps.
resource "google_sql_user" "program" {
  for_each = local.logins
  name     = each.value
  instance = google_sql_database_instance.primary.name
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"
}

# What AppSheet and BI tools read. It has a public address, which lets in the networks that are named and
# nobody else; it is read-only by nature, and reader logins see their own organisation alone. In another region
# it is also what outlives the loss of the first.
resource "google_sql_database_instance" "replica" {
  count                = var.database.replica == null ? 0 : 1
  name                 = "${local.instance}-replica"
  region               = coalesce(var.database.replica.region, var.region)
  database_version     = google_sql_database_instance.primary.database_version
  master_instance_name = google_sql_database_instance.primary.name
  deletion_protection  = true

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.database.replica.tier
    availability_type           = "ZONAL"
    disk_type                   = "PD_SSD"
    disk_autoresize             = true
    deletion_protection_enabled = true
    connector_enforcement       = "NOT_REQUIRED"

    ip_configuration {
      ipv4_enabled    = true
      private_network = google_compute_network.private.id
      ssl_mode        = "ENCRYPTED_ONLY"
      dynamic "authorized_networks" {
        for_each = var.database.replica.networks
        content {
          name  = authorized_networks.key
          value = authorized_networks.value
        }
      }
    }

    dynamic "database_flags" {
      for_each = local.database_flags # a replica must allow as many connections as its primary
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }
}
