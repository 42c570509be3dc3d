# Countinghouse on Google Cloud. Read house.tf first: it says which programs there are and what each needs.
# The other files are named for what they make; docs/operations.md leads from an empty project to a running one.

terraform {
  required_version = ">= 1.9" # validations that look at other variables

  required_providers {
    google = {
      source = "hashicorp/google"
      # Checked against 6.50; the upgrade guides of 7.0 and 8.0 name nothing that is used here.
      version = ">= 6.50, < 9.0"
    }
  }

  # A bucket in each project:
  #   terraform init -backend-config=bucket=PROJECT-terraform -backend-config=prefix=prod
  backend "gcs" {}
}

provider "google" {
  project = var.project
  region  = var.region

  # Budgets count calls against a project of their own choice: this one.
  user_project_override = true
  billing_project       = var.project

  default_labels = {
    app         = "countinghouse"
    environment = var.environment
  }
}
