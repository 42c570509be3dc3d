package main

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// schemaFile is what `terraform providers schema -json` prints, as far as it is needed here.
type schemaFile struct {
	FormatVersion string              `json:"format_version"`
	Providers     map[string]Provider `json:"provider_schemas"`
}

// Provider is all that one provider takes.
type Provider struct {
	Config      Schema            `json:"provider"`
	Resources   map[string]Schema `json:"resource_schemas"`
	DataSources map[string]Schema `json:"data_source_schemas"`
}

// Schema is one resource, data source or provider block.
type Schema struct {
	Block Block `json:"block"`
}

// Block is what stands between two braces.
type Block struct {
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	Blocks     map[string]Nested    `json:"block_types,omitempty"`
}

// Attribute is a name with a value. Type is in Terraform's JSON form: "string", ["list","number"], ["object",{…}].
type Attribute struct {
	Type      json.RawMessage `json:"type"`
	Required  bool            `json:"required,omitempty"`
	Optional  bool            `json:"optional,omitempty"`
	Computed  bool            `json:"computed,omitempty"`
	WriteOnly bool            `json:"write_only,omitempty"` // never in state or plan
}

// Nested is a block within a block. Max 0: any number.
type Nested struct {
	Mode  string `json:"nesting_mode"` // single, list, set
	Block Block  `json:"block"`
	Min   int64  `json:"min_items,omitempty"`
	Max   int64  `json:"max_items,omitempty"`
}

// answer makes of p what Terraform asks for.
func (p Provider) answer() (*tfprotov5.GetProviderSchemaResponse, error) {
	config, err := p.Config.protocol()
	if err != nil {
		return nil, err
	}
	resources, err := protocols(p.Resources)
	if err != nil {
		return nil, err
	}
	sources, err := protocols(p.DataSources)
	if err != nil {
		return nil, err
	}
	return &tfprotov5.GetProviderSchemaResponse{
		ServerCapabilities: &tfprotov5.ServerCapabilities{},
		Provider:           config,
		ResourceSchemas:    resources,
		DataSourceSchemas:  sources,
	}, nil
}

func protocols(schemas map[string]Schema) (map[string]*tfprotov5.Schema, error) {
	all := make(map[string]*tfprotov5.Schema, len(schemas))
	for name, s := range schemas {
		one, err := s.protocol()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = one
	}
	return all, nil
}

func (s Schema) protocol() (*tfprotov5.Schema, error) {
	block, err := s.Block.protocol()
	return &tfprotov5.Schema{Block: block}, err
}

func (b Block) protocol() (*tfprotov5.SchemaBlock, error) {
	out := &tfprotov5.SchemaBlock{}
	for name, a := range b.Attributes {
		kind, err := tftypes.ParseJSONType(a.Type) //nolint:staticcheck // the type's JSON form is what Terraform prints; there is no other reader of it
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{Name: name, Type: kind,
			Required: a.Required, Optional: a.Optional, Computed: a.Computed, WriteOnly: a.WriteOnly})
	}
	for name, n := range b.Blocks {
		nested, err := n.protocol(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.BlockTypes = append(out.BlockTypes, nested)
	}
	return out, nil
}

func (n Nested) protocol(name string) (*tfprotov5.SchemaNestedBlock, error) {
	modes := map[string]tfprotov5.SchemaNestedBlockNestingMode{
		"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
		"list":   tfprotov5.SchemaNestedBlockNestingModeList,
		"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
	}
	mode, ok := modes[n.Mode]
	if !ok {
		return nil, fmt.Errorf("nesting mode %q", n.Mode)
	}
	block, err := n.Block.protocol()
	return &tfprotov5.SchemaNestedBlock{TypeName: name, Nesting: mode, MinItems: n.Min, MaxItems: n.Max, Block: block}, err
}
