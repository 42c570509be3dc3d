# Topics, what becomes of their messages, and who may send and receive them.
#
#   ticks    asks for a sync; pushed to syncorg        ticks-dead    those that failed again and again
#   notices  tells people; nobody reads it yet         notices-dead

locals {
  ticks  = "ticks"
  topics = toset([local.ticks, "notices"])
}

resource "google_pubsub_topic" "topic" {
  for_each   = local.topics
  name       = each.key
  depends_on = [google_project_service.services]
}

resource "google_pubsub_topic" "dead" {
  for_each   = local.topics
  name       = "${each.key}-dead"
  depends_on = [google_project_service.services]
}

# Nobody receives dead letters: they are looked at, and then dropped by
# gcloud pubsub subscriptions seek ticks-dead --time=$(date -u +%Y-%m-%dT%H:%M:%SZ)
resource "google_pubsub_subscription" "dead" {
  for_each                   = local.topics
  name                       = "${each.key}-dead"
  topic                      = google_pubsub_topic.dead[each.key].id
  message_retention_duration = "604800s"
  expiration_policy {
    ttl = "" # never: Pub/Sub would delete a subscription that was idle for 31 days
  }
}

resource "google_pubsub_subscription" "syncorg" {
  name  = "syncorg"
  topic = google_pubsub_topic.topic["ticks"].id

  # Longer than a request to syncorg may take, so that no tick is sent again while it is worked on.
  ack_deadline_seconds = 600
  # After ten minutes a tick is worth nothing: the schedule has sent others.
  message_retention_duration = "600s"

  expiration_policy {
    ttl = ""
  }

  # 10, 20, 40 and 80 s: five attempts within the time that a tick is kept, then it is a dead letter.
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "120s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead["ticks"].id
    max_delivery_attempts = 5
  }

  # No filter: it could not be changed later. No ordering: a tick that fails would hold up newer ones.
  push_config {
    push_endpoint = google_cloud_run_v2_service.function["syncorg"].uri
    oidc_token {
      service_account_email = local.emails.pusher
      audience              = google_cloud_run_v2_service.function["syncorg"].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.caller]
}

# Who publishes what: house.tf says so.
locals {
  publishers = merge([
    for name, p in local.programs : { for topic in p.publishes : "${name}/${topic}" => { program = name, topic = topic } }
  ]...)
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers
  topic    = google_pubsub_topic.topic[each.value.topic].name
  role     = "roles/pubsub.publisher"
  member   = local.members[each.value.program]
}

# Pub/Sub's own account moves what is dead, and signs pushes as pusher.
resource "google_pubsub_topic_iam_member" "undertaker" {
  for_each = local.topics
  topic    = google_pubsub_topic.dead[each.key].name
  role     = "roles/pubsub.publisher"
  member   = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "undertaker" {
  subscription = google_pubsub_subscription.syncorg.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

resource "google_service_account_iam_member" "pusher" {
  service_account_id = google_service_account.helper["pusher"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
  depends_on         = [google_pubsub_topic.topic] # with the first topic that account is there
}
