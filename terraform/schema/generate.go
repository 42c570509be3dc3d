package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// readPackage reads every folder of the package's lib: a resource, a data source or the provider each.
func readPackage(folder string) (Provider, error) {
	p := Provider{Resources: map[string]Schema{}, DataSources: map[string]Schema{}}
	folders, err := os.ReadDir(filepath.Join(folder, "lib"))
	if err != nil {
		return p, err
	}
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		if err := p.add(filepath.Join(folder, "lib", f.Name())); err != nil {
			return p, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	if len(p.Resources) == 0 {
		return p, fmt.Errorf("%s: no resource in it: is this the package, unpacked?", folder)
	}
	return p, nil
}

var namedLine = regexp.MustCompile(`(?m)^\s*(resource|data)\s+"(\w+)"`)

// keepNamedIn drops what no .tf file of a folder names. What is named there and does not exist is left to Terraform to find.
func (p *Provider) keepNamedIn(root string) error {
	files, err := filepath.Glob(filepath.Join(root, "*.tf"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: no .tf file in it", root)
	}
	named := map[string]map[string]bool{"resource": {}, "data": {}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range namedLine.FindAllStringSubmatch(string(text), -1) {
			named[m[1]][m[2]] = true
		}
	}
	maps.DeleteFunc(p.Resources, func(name string, _ Schema) bool { return !named["resource"][name] })
	maps.DeleteFunc(p.DataSources, func(name string, _ Schema) bool { return !named["data"][name] })
	return nil
}

// add puts what one folder describes in its place.
func (p *Provider) add(folder string) error {
	code, err := concatenated(folder, ".js")
	if err != nil {
		return err
	}
	declarations, err := concatenated(folder, ".d.ts")
	if err != nil {
		return err
	}
	src := readSource(code, declarations)
	if src.underlying == nil {
		return nil // a namespace of functions
	}
	block, err := src.block(src.underlying.arguments, *src.underlying, src.mandatory[src.underlying.name+"Config"])
	if err != nil {
		return err
	}
	switch src.underlying.base {
	case "TerraformProvider":
		delete(block.Attributes, "alias") // Terraform's own
		p.Config = Schema{block}
	case "TerraformDataSource":
		p.DataSources[src.underlying.terraform] = Schema{block}
	case "TerraformResource":
		p.Resources[src.underlying.terraform] = Schema{block}
	}
	return nil
}

// concatenated is the text of all files of a folder that end so: large resources are spread over several.
func concatenated(folder, ending string) (string, error) {
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ending) {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		all.WriteByte('\n')
		return err
	})
	return all.String(), err
}

// filledIn are the arguments that Google fills in when they are left out. The package does not tell; these are the ones
// that nearly every resource has.
var filledIn = []string{"id", "project", "region", "zone", "etag", "self_link"}

// block is what arguments, and the getters of c, say together; must tells of each property whether it has to be given.
func (s source) block(arguments []argument, c class, must map[string]bool) (Block, error) {
	b := Block{Attributes: map[string]Attribute{}, Blocks: map[string]Nested{}}
	for _, a := range arguments {
		required, err := declared(must, a.property)
		if err == nil && a.block {
			b.Blocks[a.name], err = s.nested(a, required)
		} else if err == nil {
			b.Attributes[a.name], err = s.settable(a, required)
		}
		if err != nil {
			return b, fmt.Errorf("%s: %w", a.name, err)
		}
	}
	for _, r := range c.readable {
		if b.has(r.name) {
			continue
		}
		kind, err := s.readType(r)
		if err != nil {
			return b, fmt.Errorf("%s: %w", r.name, err)
		}
		b.Attributes[r.name] = Attribute{Type: kind, Computed: true}
	}
	return b, nil
}

// declared tells whether a property must be given. Where its name means something in TypeScript it is declared with a
// longer one.
func declared(must map[string]bool, property string) (bool, error) {
	for _, name := range []string{property, property + "Attribute"} {
		if required, ok := must[name]; ok {
			return required, nil
		}
	}
	return false, fmt.Errorf("no declaration of %q", property)
}

func (b Block) has(name string) bool {
	_, attribute := b.Attributes[name]
	_, block := b.Blocks[name]
	return attribute || block
}

// nested is a block within a block.
func (s source) nested(a argument, must bool) (Nested, error) {
	inside, err := s.block(s.inside(a.helper))
	n := Nested{Mode: a.kind, Block: inside}
	if a.kind == "struct" {
		n.Mode = "single"
	}
	if !a.many && n.Mode != "single" {
		n.Max = 1
	}
	if must && n.Mode != "single" {
		n.Min = 1
	}
	return n, err
}

// inside is all that describes the block which a function writes.
func (s source) inside(helper string) ([]argument, class, map[string]bool) {
	name := title(helper)
	return s.arguments[helper], s.classes[name+"OutputReference"], s.mandatory[name]
}

// settable is an argument written name = value.
func (s source) settable(a argument, must bool) (Attribute, error) {
	kind, err := s.argumentType(a)
	return Attribute{
		Type:      kind,
		Required:  must,
		Optional:  !must,
		Computed:  !must && (a.helper != "" || slices.Contains(filledIn, a.name)),
		WriteOnly: strings.HasSuffix(a.name, "_wo"),
	}, err
}

func (s source) argumentType(a argument) (json.RawMessage, error) {
	if a.helper != "" {
		return s.objectType(a.kind, a.helper)
	}
	words := map[string]string{"string": "string", "number": "number", "boolean": "bool"}
	if word, ok := words[a.storage]; ok && a.kind == "simple" {
		return typeOf(word)
	}
	for ts, word := range words {
		collection, ok := strings.CutPrefix(a.storage, ts)
		if ok && slices.Contains([]string{"List", "Set", "Map"}, collection) && slices.Contains([]string{"list", "set", "map"}, a.kind) {
			return typeOf([]any{a.kind, word})
		}
	}
	return nil, fmt.Errorf("an argument of kind %q, kept as %q", a.kind, a.storage)
}

// objectType is the type of a block that is written with an equals sign, alone (struct) or in a collection.
func (s source) objectType(kind, helper string) (json.RawMessage, error) {
	block, err := s.block(s.inside(helper))
	if err != nil {
		return nil, err
	}
	object, err := block.object()
	if err != nil || kind == "struct" {
		return object, err
	}
	return typeOf([]any{kind, object})
}

// object is the type of an object with everything that is in b.
func (b Block) object() (json.RawMessage, error) {
	fields := map[string]any{}
	for name, a := range b.Attributes {
		fields[name] = a.Type
	}
	for name, n := range b.Blocks {
		inside, err := n.Block.object()
		if err != nil {
			return nil, err
		}
		fields[name] = []any{n.Mode, inside}
		if n.Mode == "single" {
			fields[name] = inside
		}
	}
	return typeOf([]any{"object", fields})
}

// readType is the type of an attribute that can only be read.
func (s source) readType(r readable) (json.RawMessage, error) {
	collection := "list"
	if r.set {
		collection = "set"
	}
	switch r.kind {
	case "String":
		return typeOf("string")
	case "Number":
		return typeOf("number")
	case "Boolean":
		return typeOf("bool")
	case "List":
		return typeOf([]any{collection, "string"})
	case "NumberList":
		return typeOf([]any{collection, "number"})
	case "StringMap":
		return typeOf([]any{"map", "string"})
	case "StringMapList":
		return typeOf([]any{collection, []any{"map", "string"}})
	}
	return s.readObject(r, collection)
}

// readObject is the type of an attribute that is made of others.
func (s source) readObject(r readable, collection string) (json.RawMessage, error) {
	name, many := strings.CutSuffix(r.kind, "List")
	name = strings.TrimSuffix(name, "OutputReference")
	c, ok := s.classes[name+"OutputReference"]
	if !ok {
		return nil, fmt.Errorf("a getter of the unknown kind %q", r.kind)
	}
	block, err := s.block(nil, c, nil)
	if err != nil {
		return nil, err
	}
	object, err := block.object()
	if err != nil || !many {
		return object, err
	}
	return typeOf([]any{collection, object})
}

func typeOf(kind any) (json.RawMessage, error) { return json.Marshal(kind) }

func title(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
