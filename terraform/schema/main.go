// Command schema knows what Google's Terraform provider takes, and nothing else: with it `terraform validate`, and
// `terraform test` with a mocked provider, work where the provider itself cannot be had.
//
//	Usage  schema generate PACKAGE_DIR [ROOT] > schema.json
//	                 from the unpacked npm package @cdktf/provider-google; with ROOT, a folder with .tf files, only
//	                 what these name: Terraform asks for the whole schema again and again, and reads 1,500 of them slowly
//	       schema    started by Terraform, with schema.json beside it: the provider
//	Does   generate writes the form of `terraform providers schema -json`: what the real provider prints serves as well
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

// address is the provider that this program stands in for.
const address = "registry.terraform.io/hashicorp/google"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	switch {
	case len(args) == 0:
		return serve()
	case len(args) == 2 && args[0] == "generate":
		return generate(args[1], "", out)
	case len(args) == 3 && args[0] == "generate":
		return generate(args[1], args[2], out)
	default:
		return fmt.Errorf("usage: schema generate PACKAGE_DIR [ROOT]")
	}
}

// generate writes the schema of everything in the package, or of what is named in root.
func generate(folder, root string, out io.Writer) error {
	provider, err := readPackage(folder)
	if err == nil && root != "" {
		err = provider.keepNamedIn(root)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(schemaFile{FormatVersion: "1.0", Providers: map[string]Provider{address: provider}})
}

// serve answers Terraform until it hangs up.
func serve() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(program), "schema.json"))
	if err != nil {
		return err
	}
	answer, err := schemaAnswer(text)
	if err != nil {
		return err
	}
	return tf5server.Serve(address, func() tfprotov5.ProviderServer { return server{schema: answer} })
}

// schemaAnswer makes of a schema file what Terraform is told of it.
func schemaAnswer(text []byte) (*tfprotov5.GetProviderSchemaResponse, error) {
	var file schemaFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("schema.json: %w", err)
	}
	provider, ok := file.Providers[address]
	if !ok {
		return nil, fmt.Errorf("schema.json: nothing of %s", address)
	}
	return provider.answer()
}
