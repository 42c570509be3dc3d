# All that differs between two installations. Values that are secret are not among them: see secrets.tf.

variable "project" {
  description = "Id of the Google Cloud project. It holds this installation and nothing else."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: want a project's id, such as example-books-prod: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of everything that has one. It cannot be changed later without moving the database."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: want a region, such as europe-west2, and not a zone."
  }
}

variable "programs_range" {
  description = "Addresses of the programs in the private network. In another region they want another range: the one before is taken as long as its subnet is there."
  type        = string
  default     = "10.10.0.0/20"
  validation {
    condition     = can(regex("^10\\.[0-9]+\\.[0-9]+\\.0/(1[6-9]|20)$", var.programs_range)) && try(cidrhost(var.programs_range, 0) == split("/", var.programs_range)[0], false) && !startswith(var.programs_range, "10.20.")
    error_message = "programs_range: want the first address of a range such as 10.11.0.0/20, of /16 to /20; 10.20.0.0/20 is the database's."
  }
}

variable "environment" {
  description = "What this installation is called in labels and alerts, such as dev or prod."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.environment))
    error_message = "environment: want up to 20 lower-case letters, digits and hyphens, such as prod."
  }
}

# --- who is served

variable "organisations" {
  description = "Organisations by slug: their name, and how often they are looked at: */N * * * *, every N minutes, at most 15. In fleet mode only made, not scheduled."
  type = map(object({
    name  = string
    every = optional(string, "*/3 * * * *")
  }))
  validation {
    condition     = alltrue([for slug, o in var.organisations : can(regex("^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", slug)) && length(slug) <= 40])
    error_message = "organisations: want slugs of at most 40 lower-case letters, digits, inner hyphens or underscores that begin with a letter, such as onpoint."
  }
  validation {
    condition     = alltrue([for slug, o in var.organisations : trimspace(o.name) != "" && !strcontains(o.name, ",")])
    error_message = "organisations: each needs a name, and a comma cannot be part of it."
  }
  validation {
    condition     = alltrue([for slug, o in var.organisations : can(regex("^\\*(/([1-9]|1[0-5]))? \\* \\* \\* \\*$", o.every))])
    error_message = "organisations: every wants */N * * * * with N from 1 to 15, all day: who is looked at less often counts as behind (WATCH_BEHIND is 15 minutes), and an alert is raised for it."
  }
  validation {
    condition     = var.fleet || length(var.organisations) <= 300
    error_message = "organisations: Cloud Scheduler is no place for more than 300 of them. Set fleet = true."
  }
}

variable "fleet" {
  description = "Whether the function dispatch sends the ticks of all organisations, evenly spread, instead of a schedule for each: from some 300 organisations on."
  type        = bool
  default     = false
}

variable "custom_field_columns" {
  description = "Custom fields that become columns of views: onpoint/invoices/Generator Model=generatormodel, separated by commas."
  type        = string
  default     = ""
}

# --- the providers

variable "quickbooks" {
  description = "The Intuit app: its client id, sandbox or production, the metered calls of a month (0: no budget), and calls a minute for all companies together (0: only each company's own limits)."
  type = object({
    client_id        = string
    environment      = string
    monthly_calls    = optional(number, 500000)
    calls_per_minute = optional(number, 0)
  })
  validation {
    condition     = contains(["sandbox", "production"], var.quickbooks.environment)
    error_message = "quickbooks.environment: want sandbox or production."
  }
  validation {
    condition     = can(regex("^\\S+$", var.quickbooks.client_id))
    error_message = "quickbooks.client_id: want the client id of the app, from Intuit's developer portal."
  }
  validation {
    condition     = var.quickbooks.monthly_calls >= 0 && var.quickbooks.calls_per_minute >= 0
    error_message = "quickbooks: monthly_calls and calls_per_minute want 0 or more."
  }
}

variable "plaid" {
  description = "The Plaid app; without a client id no banks are connected. days: of transactions before the day of connecting. limit_factor: Plaid's published limits times this."
  type = object({
    client_id         = optional(string, "")
    environment       = optional(string, "sandbox")
    countries         = optional(list(string), ["US"])
    products          = optional(list(string), ["transactions"])
    optional_products = optional(list(string), [])
    recurring         = optional(bool, false)
    days              = optional(number, 730)
    language          = optional(string, "en")
    client_name       = optional(string, "Countinghouse")
    limit_factor      = optional(number, 1)
  })
  default = {}
  validation {
    condition     = contains(["sandbox", "production"], var.plaid.environment)
    error_message = "plaid.environment: want sandbox or production."
  }
  validation {
    condition     = var.plaid.days >= 30 && var.plaid.days <= 730
    error_message = "plaid.days: want 30 to 730."
  }
  validation {
    condition     = length(var.plaid.countries) > 0 && alltrue([for c in var.plaid.countries : can(regex("^[A-Z]{2}$", c))])
    error_message = "plaid.countries: want at least one, of two capital letters, such as US."
  }
  validation {
    condition     = length(var.plaid.products) > 0 && length(var.plaid.client_name) <= 30 && var.plaid.limit_factor >= 1
    error_message = "plaid: want at least one product, a client_name of at most 30 characters, and a limit_factor of 1 or more."
  }
}

# --- the database

variable "database" {
  description = "Cloud SQL: machine (tier), first size of the disk in GB (it grows by itself), a second machine in another zone (ha), connections at most, a replica for AppSheet and BI with the networks (name to CIDR) that may reach it, daily backups kept, and where (null: the multi-region around the region). Its name, and another region of the replica, matter when one of them is lost: see docs/operations.md."
  type = object({
    name            = optional(string, "countinghouse")
    tier            = string
    disk_gb         = optional(number, 20)
    ha              = optional(bool, false)
    max_connections = number
    backups_kept    = optional(number, 30)
    backup_location = optional(string)
    replica = optional(object({
      tier     = string
      networks = map(string)
      region   = optional(string)
    }))
  })
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,60}[a-z0-9]$", var.database.name))
    error_message = "database.name: want the name of an instance, such as countinghouse: lower-case letters, digits and hyphens, and a letter first."
  }
  validation {
    condition     = try(var.database.replica.region, null) == null ? true : can(regex("^[a-z]+-[a-z]+[0-9]+$", var.database.replica.region))
    error_message = "database.replica.region: want a region, such as europe-west1, and not a zone; null: that of the database."
  }
  validation {
    condition     = can(regex("^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", var.database.tier))
    error_message = "database.tier: want a machine of the Enterprise edition, such as db-g1-small or db-custom-2-7680 (processors and MiB)."
  }
  validation {
    condition     = var.database.disk_gb >= 10 && var.database.backups_kept >= 7 && var.database.backups_kept <= 30
    error_message = "database: want disk_gb of 10 or more, and backups_kept of 7 to 30: transactions are kept for 7 days, and need a backup to be added to; which organisations were erased since a backup stands in the log, which is kept for 30."
  }
  validation {
    condition     = var.database.max_connections >= 25 && var.database.max_connections <= 1000
    error_message = "database.max_connections: want 25 to 1000; each takes some 10 MB of the machine's memory."
  }
  validation {
    condition     = var.database.replica == null ? true : alltrue([for name, cidr in var.database.replica.networks : can(cidrnetmask(cidr)) && try(tonumber(split("/", cidr)[1]) >= 20, false)])
    error_message = "database.replica.networks: want addresses such as 203.0.113.7/32; a range wider than /20 is no list of who may come in."
  }
}

# --- the outside

variable "domain" {
  description = "Host name under which people and providers reach this installation, through a load balancer; null: the addresses that Cloud Run gives."
  type        = string
  default     = null
  validation {
    condition     = var.domain == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain: want a host name in lower case, such as books.example.com, without https:// and path."
  }
}

variable "alert_emails" {
  description = "Who is told when something is wrong."
  type        = list(string)
  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for a in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", a))])
    error_message = "alert_emails: want at least one address: an alert that reaches nobody is none."
  }
}

variable "monthly_budget" {
  description = "What a month may cost before somebody is told, in whole units of the billing account's currency; null: nobody is. Google does not stop anything by it."
  type        = number
  default     = null
  validation {
    condition     = var.monthly_budget == null ? true : var.monthly_budget > 0 && var.billing_account != null
    error_message = "monthly_budget: want more than 0, and billing_account beside it."
  }
}

variable "billing_account" {
  description = "Id of the billing account that the budget watches, such as 000000-000000-000000."
  type        = string
  default     = null
}

# --- behaviour

variable "metrics_known_after" {
  description = "Seconds to wait between making metrics and the alerts on them: Cloud Monitoring does not know new ones at once."
  type        = number
  default     = 120
  validation {
    condition     = var.metrics_known_after >= 0 && var.metrics_known_after <= 600
    error_message = "metrics_known_after: want 0 to 600."
  }
}

variable "trace_share" {
  description = "Share of ticks and requests, 0 to 1, whose trace is kept; 0: no traces."
  type        = number
  default     = 0.05
  validation {
    condition     = var.trace_share >= 0 && var.trace_share <= 1
    error_message = "trace_share: want 0 to 1."
  }
}

variable "log_level" {
  description = "Least level that is logged: DEBUG or INFO. Alerts and dashboard are made of lines of level INFO, too."
  type        = string
  default     = "INFO"
  validation {
    condition     = contains(["DEBUG", "INFO"], var.log_level)
    error_message = "log_level: want DEBUG or INFO; above that watch-silent would be raised for good."
  }
}

variable "scale" {
  description = "Programs that want other figures than house.tf has: instances (min, max), requests an instance serves at a time (concurrency), processors (cpu), MiB (memory), connections to the database that a process makes at most (db_connections)."
  type = map(object({
    min            = optional(number)
    max            = optional(number)
    concurrency    = optional(number)
    cpu            = optional(number)
    memory         = optional(number)
    db_connections = optional(number)
  }))
  default = {}
  validation {
    condition     = length(setsubtract(keys(var.scale), concat(keys(local.functions), keys(local.jobs)))) == 0
    error_message = "scale: it names a program that house.tf does not have."
  }
  validation {
    condition     = alltrue([for name, s in var.scale : s.cpu == null ? true : contains([1, 2, 4, 8], s.cpu)])
    error_message = "scale: cpu wants 1, 2, 4 or 8: below 1 an instance serves one request at a time."
  }
}

# --- builds

variable "build_region" {
  description = "Region in which Cloud Build builds and releases; null: region. New projects may have no machines in some regions. A linked repository must be of the same."
  type        = string
  default     = null
  validation {
    condition     = var.build_region == null ? true : can(regex("^[a-z]+-[a-z]+[0-9]+$", var.build_region))
    error_message = "build_region: want a region, such as europe-west1, and not a zone."
  }
}

variable "repository" {
  description = "Where Cloud Build finds the sources: name of a linked repository (projects/P/locations/R/connections/C/repositories/N) and the branches, as a regular expression, whose pushes are deployed; null: builds are started by hand."
  type = object({
    name   = string
    branch = optional(string, "^main$")
  })
  default = null
  validation {
    condition     = var.repository == null ? true : can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.repository.name))
    error_message = "repository.name: want projects/PROJECT/locations/REGION/connections/CONNECTION/repositories/NAME."
  }
}
