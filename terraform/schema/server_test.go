package main

import (
	"bytes"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// served is the provider of testdata/package, as Terraform finds it.
func served(t *testing.T) server {
	t.Helper()
	var file bytes.Buffer
	if err := run([]string{"generate", "testdata/package"}, &file); err != nil {
		t.Fatal(err)
	}
	answer, err := schemaAnswer(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return server{schema: answer}
}

func TestServedSchema(t *testing.T) {
	t.Parallel()
	answer, err := served(t).GetProviderSchema(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	block := answer.ResourceSchemas["google_pubsub_thing"].Block
	at := slices.IndexFunc(block.Attributes, func(a *tfprotov5.SchemaAttribute) bool { return a.Name == "password_wo" })
	if at < 0 || !block.Attributes[at].WriteOnly || !block.Attributes[at].Type.Equal(tftypes.String) {
		t.Errorf("password_wo of %+v", block.Attributes)
	}
	at = slices.IndexFunc(block.BlockTypes, func(b *tfprotov5.SchemaNestedBlock) bool { return b.TypeName == "build" })
	if at < 0 {
		t.Fatalf("no block build in %+v", block.BlockTypes)
	}
	if b := block.BlockTypes[at]; b.Nesting != tfprotov5.SchemaNestedBlockNestingModeList || b.MinItems != 1 || b.MaxItems != 1 || b.Block == nil {
		t.Errorf("build: %+v", b)
	}
	if answer.Provider == nil || answer.DataSourceSchemas["google_pubsub_thing"] == nil {
		t.Errorf("provider %+v, data sources %+v", answer.Provider, answer.DataSourceSchemas)
	}
}

func TestServedNames(t *testing.T) {
	t.Parallel()
	names, err := served(t).GetMetadata(t.Context(), nil)
	if err != nil || len(names.Resources) != 1 || names.Resources[0].TypeName != "google_pubsub_thing" || len(names.DataSources) != 1 {
		t.Errorf("%+v, %v", names, err)
	}
}

// Whoever plans with it by mistake reads why that cannot be.
func TestRefusesToBeConfigured(t *testing.T) {
	t.Parallel()
	answer, err := served(t).ConfigureProvider(t.Context(), nil)
	if err != nil || len(answer.Diagnostics) != 1 || answer.Diagnostics[0].Severity != tfprotov5.DiagnosticSeverityError {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestStateStaysAsItIs(t *testing.T) {
	t.Parallel()
	s := served(t)
	raw := &tfprotov5.RawState{JSON: []byte(`{"name":"n","project":"p","enabled":null,"labels":null,"ports":[1],"password_wo":null,"password_wo_version":null,
		"rules":null,"terraform_labels":null,"hosts":null,"state":null,"build":[],"timeouts":null}`)}
	answer, err := s.UpgradeResourceState(t.Context(), &tfprotov5.UpgradeResourceStateRequest{TypeName: "google_pubsub_thing", RawState: raw})
	if err != nil {
		t.Fatal(err)
	}
	kind := s.schema.ResourceSchemas["google_pubsub_thing"].ValueType()
	got, err := answer.UpgradedState.Unmarshal(kind)
	if err != nil {
		t.Fatal(err)
	}
	want, err := raw.Unmarshal(kind)
	if err != nil || !got.Equal(want) {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
	if _, err := s.UpgradeResourceState(t.Context(), &tfprotov5.UpgradeResourceStateRequest{TypeName: "google_gone", RawState: raw}); err == nil {
		t.Error("a resource that is not there has a state")
	}
}

func TestSchemaFileOfAnother(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"provider_schemas":{"example.com/other/thing":{}}}`,
		`{"provider_schemas":{"registry.terraform.io/hashicorp/google":{"resource_schemas":{"google_x":{"block":{"attributes":{"a":{"type":"strings"}}}}}}}}`,
		`{"provider_schemas":{"registry.terraform.io/hashicorp/google":{"resource_schemas":{"google_x":{"block":{"block_types":{"a":{"nesting_mode":"heap"}}}}}}}}`} {
		if _, err := schemaAnswer([]byte(text)); err == nil {
			t.Errorf("taken for a schema: %s", text)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"generate"}, {"generate", "a", "b", "c"}, {"serve"}} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
