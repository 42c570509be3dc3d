# The network between the programs and the database. Programs have an address in it (Direct VPC egress)
# and speak through it to private addresses only; all else, the providers and Google, they reach directly.
# Nothing may come in from outside, and the project's default network is not used: delete it.

resource "google_compute_network" "private" {
  name                    = "countinghouse"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.services]
}

resource "google_compute_subnetwork" "programs" {
  name                     = "programs"
  region                   = var.region
  network                  = google_compute_network.private.id
  ip_cidr_range            = var.programs_range # Cloud Run takes two addresses or more for each instance
  private_ip_google_access = true
}

# Private services access: the range in which Cloud SQL has its address.
resource "google_compute_global_address" "services" {
  name          = "services"
  network       = google_compute_network.private.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = "10.20.0.0" # named, so that it cannot meet the subnet's
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.private.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
  deletion_policy         = "ABANDON" # Google refuses to end it while it remembers an instance
  depends_on              = [google_project_service.services]
}
