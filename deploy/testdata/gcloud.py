"""Asks gcloud's own code. Run by its bundled Python: gcloud.py ROOT build FILE loads cloudbuild.yaml as
`gcloud builds submit` does; gcloud.py ROOT print prints the resources that come as JSON on standard input,
a list of {"resource", "flatten", "format"}, as gcloud prints them."""

import io
import json
import sys

sys.path[:0] = [sys.argv[1] + "/lib", sys.argv[1] + "/lib/third_party"]


def load(path):
    from googlecloudsdk.api_lib.cloudbuild import cloudbuild_util, config

    config.LoadCloudbuildConfigFromPath(path, cloudbuild_util.GetMessagesModule())


def show(ask):
    from googlecloudsdk.calliope import display_taps
    from googlecloudsdk.core.resource import resource_printer
    from googlecloudsdk.core.util import peek_iterable

    rows = ask["resource"] if isinstance(ask["resource"], list) else [ask["resource"]]
    if ask["flatten"]:
        rows = peek_iterable.Tapper(iter(rows), display_taps.Flattener(ask["flatten"].removesuffix("[]").split(".")))
    out = io.StringIO()
    resource_printer.Print(list(rows), ask["format"], out=out)
    return out.getvalue()


if sys.argv[2] == "build":
    load(sys.argv[3])
else:
    json.dump([show(ask) for ask in json.load(sys.stdin)], sys.stdout)
