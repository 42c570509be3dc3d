# The house: which programs there are, and what each of them needs. A new program is a folder in functions/
# or jobs/ and an entry here; everything else in this folder follows. TestDeployed (shared/app) compares the
# three, and the variables that a program reads in code with those that it is given here.

locals {
  # Cloud Run services.
  #   caller          who may call it: pusher (Pub/Sub's pushes), scheduler, or everyone
  #   min, max        instances; var.scale overrides these and the next four
  #   concurrency     requests that an instance serves at a time
  #   cpu, memory     processors and MiB of an instance
  #   db_connections  to the database, an instance at most: about one for each four requests
  #   timeout         seconds that a request may take
  #   publishes       topics that it sends messages to
  #   tokens          what it does with connections' tokens: see identity.tf
  #   reads           groups of variables, below
  functions = {
    # Ends a run after 480 s, so that it can say how far it came within the 540 s of a request, and Pub/Sub,
    # which waits 600 s, hears of it.
    syncorg = {
      caller         = "pusher"
      min            = 0
      max            = 3
      concurrency    = 16
      cpu            = 1
      memory         = 512
      db_connections = 4
      timeout        = 540
      publishes      = ["ticks"]
      tokens         = ["keep"]
      reads          = ["log", "trace", "database", "login", "topic", "sync", "rhythm", "budget", "quickbooks", "plaid"]
    }

    # People wait for a provider's page for a few seconds at most.
    connect = {
      caller         = "everyone"
      min            = 0
      max            = 2
      concurrency    = 16
      cpu            = 1
      memory         = 512
      db_connections = 4
      timeout        = 120
      publishes      = ["ticks"]
      tokens         = ["keep", "make"]
      reads          = ["log", "trace", "database", "login", "topic", "sync", "rhythm", "budget", "quickbooks", "plaid", "link", "bank"]
    }

    # Intuit waits 3 s for an answer, so one instance is kept where that matters (min in prod.tfvars).
    quickbookswebhook = {
      caller         = "everyone"
      min            = 0
      max            = 2
      concurrency    = 24
      cpu            = 1
      memory         = 512
      db_connections = 6
      timeout        = 30
      publishes      = ["ticks"]
      tokens         = []
      reads          = ["log", "trace", "database", "login", "topic", "verifier"]
    }

    # Plaid waits 10 s. It needs the app's secret to ask for the keys that Plaid signs with; without a Plaid
    # app it refuses what comes.
    plaidwebhook = {
      caller         = "everyone"
      min            = 0
      max            = 2
      concurrency    = 24
      cpu            = 1
      memory         = 512
      db_connections = 6
      timeout        = 30
      publishes      = ["ticks"]
      tokens         = []
      reads          = ["log", "trace", "database", "login", "topic", "plaid"]
    }

    # Called once a minute in fleet mode, for 59 s. Outside it nobody calls it, and it costs nothing.
    dispatch = {
      caller         = "scheduler"
      min            = 0
      max            = 1
      concurrency    = 4
      cpu            = 1
      memory         = 512
      db_connections = 3
      timeout        = 90
      publishes      = ["ticks"]
      tokens         = []
      reads          = ["log", "trace", "database", "login", "topic", "rhythm", "dispatch"]
    }

    # Called every five minutes; what it logs is what most alerts are made of.
    watch = {
      caller         = "scheduler"
      min            = 0
      max            = 1
      concurrency    = 4
      cpu            = 1
      memory         = 512
      db_connections = 2
      timeout        = 60
      publishes      = []
      tokens         = []
      reads          = ["log", "trace", "database", "login", "budget", "watch"]
    }
  }

  # Cloud Run jobs.
  #   starter  who starts it: scheduler, builder (a release) or a person
  #   args     given to it where whoever starts it gives none
  #   timeout  seconds that an attempt may take
  #   retries  further attempts: 3, because Cloud Run now and then takes a good attempt for a failed one
  #   bucket   the folder in which it finds the bucket of exports
  jobs = {
    # Begins each release; changes nothing the second time.
    migrate = {
      starter        = "builder"
      args           = []
      cpu            = 1
      memory         = 512
      db_connections = 2
      timeout        = 3600
      retries        = 3
      bucket         = null
      publishes      = []
      tokens         = []
      reads          = ["log", "trace", "database", "owner", "members", "world"]
    }

    # Goes on where it was when an attempt ends: four days are for the biggest loads only.
    backfill = {
      starter        = "person"
      args           = []
      cpu            = 1
      memory         = 1024
      db_connections = 6
      timeout        = 86400
      retries        = 3
      bucket         = null
      publishes      = []
      tokens         = ["keep"]
      reads          = ["log", "trace", "database", "login", "topic", "sync", "rhythm", "budget", "quickbooks", "plaid"]
    }

    reconcile = {
      starter        = "scheduler"
      args           = ["-all"]
      cpu            = 1
      memory         = 1024
      db_connections = 6
      timeout        = 86400
      retries        = 3
      bucket         = null
      publishes      = []
      tokens         = ["keep"]
      reads          = ["log", "trace", "database", "login", "topic", "sync", "rhythm", "budget", "quickbooks", "plaid"]
    }

    daily = {
      starter        = "scheduler"
      args           = []
      cpu            = 1
      memory         = 512
      db_connections = 4
      timeout        = 14400
      retries        = 3
      bucket         = null
      publishes      = []
      tokens         = ["keep", "list"]
      reads          = ["log", "trace", "database", "login", "topic", "sync", "rhythm", "budget", "quickbooks", "plaid"]
    }

    # Its own memory stays flat, but Cloud Run may keep the file that it writes in the instance's memory
    # until it is whole in the bucket: an organisation with more than some 3 GB, zipped, wants more here.
    export = {
      starter        = "person"
      args           = []
      cpu            = 1
      memory         = 4096
      db_connections = 2
      timeout        = 21600
      retries        = 3
      bucket         = "/exports"
      publishes      = []
      tokens         = []
      reads          = ["log", "trace", "database", "login", "export"]
    }

    # Signs in as the owner of the tables, because it drops views and logins. Safe to be started again.
    erase = {
      starter        = "person"
      args           = []
      cpu            = 1
      memory         = 512
      db_connections = 4
      timeout        = 21600
      retries        = 3
      bucket         = null
      publishes      = []
      tokens         = ["keep", "list", "delete"]
      reads          = ["log", "trace", "database", "owner", "sync", "quickbooks", "plaid"]
    }
  }

  # What belongs together among variables. settings.tf has their values.
  groups = {
    log        = ["GOOGLE_CLOUD_PROJECT", "LOG_FORMAT", "LOG_LEVEL"]
    trace      = ["TRACE_ENDPOINT", "TRACE_SHARE"]
    database   = ["INSTANCE_CONNECTION_NAME", "DB_NAME", "DB_MAX_CONNECTIONS"]
    login      = ["DB_IAM_USER"]            # signs in by its service account; may read and write rows
    owner      = ["DB_USER", "DB_PASSWORD"] # signs in by a password as the owner of all tables
    members    = ["DB_PROGRAM_USERS"]
    topic      = ["SYNC_TOPIC"]
    sync       = ["SYNC_MAX_RETRIES", "SYNC_RETRY_DELAY", "SYNC_LIMIT", "SYNC_LEASE", "TOKEN_REFRESH_BUFFER", "WEBHOOK_COLLECT"]
    rhythm     = ["SYNC_INTERVAL", "SYNC_AFTER_WEBHOOK"]
    budget     = ["QUICKBOOKS_MONTHLY_CALLS"]
    dispatch   = ["DISPATCH_WINDOW", "DISPATCH_RATE"]
    watch      = ["WATCH_BEHIND"]
    quickbooks = ["QUICKBOOKS_CLIENT_ID", "QUICKBOOKS_CLIENT_SECRET", "QUICKBOOKS_ENVIRONMENT", "QUICKBOOKS_CALLS_PER_MINUTE"]
    verifier   = ["QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN"]
    plaid      = ["PLAID_CLIENT_ID", "PLAID_SECRET", "PLAID_ENVIRONMENT", "PLAID_COUNTRIES", "PLAID_RECURRING", "PLAID_LIMIT_FACTOR"]
    bank       = ["PLAID_CLIENT_NAME", "PLAID_PRODUCTS", "PLAID_OPTIONAL_PRODUCTS", "PLAID_LANGUAGE", "PLAID_DAYS", "PLAID_WEBHOOK_URL"]
    link       = ["PUBLIC_URL", "CONNECT_SIGNING_KEY"]
    world      = ["ORGANISATIONS", "CUSTOM_FIELD_COLUMNS"]
    export     = ["EXPORT_FOLDER"]
  }
}
