package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
)

var _ tfprotov5.ProviderServer = server{}

// server is a provider that has a schema and no service behind it. What is not answered here is never asked by
// validate, nor by test with a mocked provider.
type server struct {
	tfprotov5.ProviderServer
	schema *tfprotov5.GetProviderSchemaResponse
}

// GetProviderSchema tells all resources and data sources.
func (s server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return s.schema, nil
}

// GetMetadata tells their names alone.
func (s server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	names := &tfprotov5.GetMetadataResponse{ServerCapabilities: s.schema.ServerCapabilities}
	for name := range s.schema.ResourceSchemas {
		names.Resources = append(names.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range s.schema.DataSourceSchemas {
		names.DataSources = append(names.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return names, nil
}

// GetResourceIdentitySchemas tells that no resource has an identity beside its id.
func (server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

// PrepareProviderConfig takes the provider block as it is.
func (server) PrepareProviderConfig(_ context.Context, asked *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: asked.Config}, nil
}

// ValidateResourceTypeConfig finds nothing more than Terraform itself found by the schema.
func (server) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

// ValidateDataSourceConfig finds nothing more, either.
func (server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

// UpgradeResourceState gives a test's state back as it is: OpenTofu asks for it, mocked or not.
func (s server) UpgradeResourceState(_ context.Context, asked *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	schema, ok := s.schema.ResourceSchemas[asked.TypeName]
	if !ok {
		return nil, fmt.Errorf("no resource %q", asked.TypeName)
	}
	state, err := asked.RawState.Unmarshal(schema.ValueType())
	if err != nil {
		return nil, err
	}
	kept, err := tfprotov5.NewDynamicValue(schema.ValueType(), state)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &kept}, err
}

// ConfigureProvider refuses: whoever configures wants to reach Google.
func (server) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{Diagnostics: []*tfprotov5.Diagnostic{{
		Severity: tfprotov5.DiagnosticSeverityError,
		Summary:  "This provider has schemas and nothing else",
		Detail:   "It is for terraform validate, and for terraform test with mock_provider. To plan or apply, use the real one.",
	}}}, nil
}

// StopProvider has nothing to stop.
func (server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}
