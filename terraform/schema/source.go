package main

import (
	"regexp"
	"strings"
)

// The package is TypeScript that a program has printed and the compiler has put on lines of its own, so lines are all that
// is read of it:
//
//	function topicPolicyToHclTerraform(struct) {   what a block takes: an entry for each argument
//	class TopicPolicyOutputReference … {           what can be read of it: a getter for each attribute
//	export interface TopicPolicy … {               (index.d.ts) what must be given: no question mark

// source is what one folder of the package says.
type source struct {
	arguments  map[string][]argument      // by the name of the function, without ToHclTerraform
	classes    map[string]class           // by name
	mandatory  map[string]map[string]bool // by interface: its properties, true for those without a question mark
	underlying *class                     // the one that is the resource, data source or provider
}

// argument is something that may be set.
type argument struct {
	name     string // as in Terraform
	property string // as in TypeScript
	helper   string // the function that tells what is inside; "": nothing is
	block    bool   // written name { … }, not name = …
	many     bool   // any number of such blocks
	kind     string // simple, list, set, map, struct
	storage  string // string, numberList, …, or the name of a class
}

// class is what can be read.
type class struct {
	name, base string
	terraform  string // google_pubsub_topic
	arguments  []argument
	readable   []readable
}

// readable is an attribute as its getter tells it.
type readable struct {
	name string
	kind string // String, Number, Boolean, List, NumberList, StringMap, or the name of a class
	set  bool
}

var (
	functionLine  = regexp.MustCompile(`^function (\w+)ToHclTerraform\(struct\) \{$`)
	classLine     = regexp.MustCompile(`^class (\w+) extends cdktf\.(\w+) \{$`)
	interfaceLine = regexp.MustCompile(`^export interface (\w+)\b.*\{$`)
	propertyLine  = regexp.MustCompile(`^    readonly (\w+)(\??):`)
	terraformLine = regexp.MustCompile(`^\s*terraformResourceType: '(\w+)',$`)

	entryLine   = regexp.MustCompile(`^\s+"?(\w+)"?: \{$`)
	fieldLine   = regexp.MustCompile(`^\s+(isBlock|type|storageClassType|value): "?(.*?)"?,$`)
	ownHelper   = regexp.MustCompile(`(?:^|[(.])(\w+)ToHclTerraform\b`)
	ownProperty = regexp.MustCompile(`\((?:this\._|struct\.|struct\._)(\w+)(?:\.internalValue)?\)$`)

	getterLine = regexp.MustCompile(`^\s+return (cdktf\.Fn\.tolist\()?this\.get(\w+)Attribute\('(\w+)'\)`)
	memberLine = regexp.MustCompile(`^\s+this\._\w+ = new (?:\w+\.)?(\w+)\(this, "(\w+)"(?:, (true|false))?\);$`)
)

// readSource reads the code and the declarations of one folder.
func readSource(code, declarations string) source {
	s := source{arguments: map[string][]argument{}, classes: map[string]class{}, mandatory: map[string]map[string]bool{}}
	for header, body := range sections(code, functionLine) {
		s.arguments[header[1]] = readArguments(body)
	}
	for header, body := range sections(code, classLine) {
		c := readClass(header[1], header[2], body)
		s.classes[c.name] = c
		if c.terraform != "" {
			s.underlying = &c
		}
	}
	for header, body := range sections(declarations, interfaceLine) {
		s.mandatory[header[1]] = readMandatory(body)
	}
	return s
}

// sections yields what stands between each line that opens something and the brace at the margin that closes it.
func sections(text string, opens *regexp.Regexp) func(func([]string, []string) bool) {
	return func(yield func([]string, []string) bool) {
		var header, body []string
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			switch {
			case header == nil:
				header = opens.FindStringSubmatch(line)
			case line == "}":
				if !yield(header, body) {
					return
				}
				header, body = nil, nil
			default:
				body = append(body, line)
			}
		}
	}
}

// readArguments reads the entries of "const attrs = {…}".
func readArguments(lines []string) []argument {
	var all []argument
	for _, line := range lines {
		if m := entryLine.FindStringSubmatch(line); m != nil {
			all = append(all, argument{name: m[1]})
			continue
		}
		if m := fieldLine.FindStringSubmatch(line); m != nil && len(all) > 0 {
			all[len(all)-1].learn(m[1], m[2])
		}
	}
	return described(all)
}

// learn takes one line of an entry.
func (a *argument) learn(field, text string) {
	switch field {
	case "isBlock":
		a.block = text == "true"
	case "type":
		a.kind = text
	case "storageClassType":
		a.storage = text
	case "value":
		a.many = strings.Contains(text, "apperHcl(")
		for _, m := range ownHelper.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(text, "cdktf."+m[1]+"ToHclTerraform") {
				a.helper = m[1]
			}
		}
		if m := ownProperty.FindStringSubmatch(text); m != nil {
			a.property = m[1]
		}
	}
}

// described leaves out what looked like an entry and was another object of the code.
func described(all []argument) []argument {
	var kept []argument
	for _, a := range all {
		if a.storage != "" {
			kept = append(kept, a)
		}
	}
	return kept
}

func readClass(name, base string, lines []string) class {
	c := class{name: name, base: base, arguments: readArguments(lines)}
	for _, line := range lines {
		if m := terraformLine.FindStringSubmatch(line); m != nil {
			c.terraform = m[1]
		}
		if m := getterLine.FindStringSubmatch(line); m != nil {
			c.readable = append(c.readable, readable{name: m[3], kind: m[2], set: m[1] != ""})
		}
		if m := memberLine.FindStringSubmatch(line); m != nil {
			c.readable = append(c.readable, readable{name: m[2], kind: m[1], set: m[3] == "true"})
		}
	}
	return c
}

func readMandatory(lines []string) map[string]bool {
	must := map[string]bool{}
	for _, line := range lines {
		if m := propertyLine.FindStringSubmatch(line); m != nil {
			must[m[1]] = m[2] == ""
		}
	}
	return must
}
