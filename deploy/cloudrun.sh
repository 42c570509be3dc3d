# What the scripts of this folder say to Cloud Run, and how they ask it. They read:
#
#   PROJECT, REGION   where
#   REPOSITORY        of the images in Artifact Registry (countinghouse)
#   VERSION           the release: a commit, or a name that can be an image's tag
#   FUNCTIONS, JOBS   what is released, by folder (what cloudbuild.yaml names)
#   IMAGES            a file with the images of the release by digest, as ko wrote it
#   BEFORE            a file that says what was at work before the release
#
# A release is seen in Cloud Run by the traffic tag `next`: the revisions that have it wait to be looked at.
set -euo pipefail
: "${PROJECT:?set PROJECT to the project}" "${REGION:?set REGION to the region}"
export CLOUDSDK_CORE_PROJECT="$PROJECT" CLOUDSDK_RUN_REGION="$REGION" CLOUDSDK_CORE_DISABLE_PROMPTS=1
registry="$REGION-docker.pkg.dev/$PROJECT/${REPOSITORY:-countinghouse}"
IMAGES="${IMAGES:-/workspace/images.txt}" BEFORE="${BEFORE:-/workspace/before.txt}"

# named LIST: what cloudbuild.yaml names in one of its lists.
named() { sed -n "s/^  _$1: //p" "$(dirname "${BASH_SOURCE[0]}")/../cloudbuild.yaml"; }
FUNCTIONS="${FUNCTIONS:-$(named FUNCTIONS)}" JOBS="${JOBS:-$(named JOBS)}"

say() { printf '%s\n' "$@" >&2; } # a line each
fail() { say "$@"; exit 1; }

# image NAME: the release's image of a function or job, by digest.
image() {
  local ref
  ref="$(grep -F "$registry/$1:$VERSION@sha256:" "$IMAGES")" || { say "$1: $IMAGES has no image of $VERSION"; return 1; }
  echo "$registry/$1@${ref#*@}"
}

# serving FUNCTION: the revision that has all of its traffic; nothing when it is split, or nobody has it.
serving() {
  gcloud run services describe "$1" --flatten='status.traffic[]' \
    --format='csv[no-heading](status.traffic.percent,status.traffic.revisionName)' | sed -n 's/^100,//p'
}

# running JOB: its image.
running() { gcloud run jobs describe "$1" --format='value(spec.template.spec.template.spec.containers[0].image)'; }

# give FUNCTION REVISION: all of its traffic, at once; it waits for nothing any more. gcloud waits for the
# whole service, and fails where the newest revision never became ready though the traffic has moved. So
# what counts is where the traffic goes.
give() {
  local try
  say "$1: traffic to $2"
  for try in 1 2 3; do
    gcloud run services update-traffic "$1" --to-revisions="$2=100" --remove-tags=next >&2 || say "$1: gcloud is not content"
    [ "$(serving "$1")" != "$2" ] || return 0
    sleep 5
  done
  return 1
}

# set_image JOB IMAGE: what it runs from its next execution on.
set_image() { gcloud run jobs update "$1" --image="$2" >&2; }

# token FUNCTION ADDRESS: who we are, for that function alone. Cloud Build's metadata server gives no identity
# tokens: there the account makes its own (it may, for itself alone).
token() {
  gcloud auth print-identity-token --audiences="$2" ${ACCOUNT:+--impersonate-service-account="$ACCOUNT"}
}

# look FUNCTION ADDRESS TOKEN: the function there is VERSION, and ready (its database answers), within a
# minute. It asks /health and /ready: /healthz, which Cloud Run's own probes ask, Google's front end keeps to itself.
look() {
  local answers path try
  for try in {1..12}; do
    answers=""
    for path in health ready; do
      answers+="$(curl --silent --max-time 30 --output /dev/null --write-out '%{http_code} %header{x-version} ' \
        --header @- "$2/$path" <<<"Authorization: Bearer $3")" || true
    done
    [ "$answers" != "200 $VERSION 200 $VERSION " ] || { say "$1: $VERSION is ready at $2"; return 0; }
    sleep 5
  done
  say "$1: /health and /ready of $2 answer \"$answers\", want twice \"200 $VERSION\""
  return 1
}
