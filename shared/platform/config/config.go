// Package config reads a program's settings from its environment, once, into a struct.
//
//	type Config struct {
//		Topic   string        `env:"SYNC_TOPIC,required" help:"topic of the ticks"`
//		Every   time.Duration `env:"SYNC_INTERVAL" envDefault:"3m"`
//		Key     config.Secret `env:"CONNECT_SIGNING_KEY,required"`
//		Queue   queue.Config  // structs nest; an envPrefix tag on one is put before its names
//	}
//	cfg, err := config.Load[Config](os.Environ())
package config

import (
	"encoding"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Unset is a value that counts as none: what a secret holds that has been made and not yet filled.
const Unset = "(unset)"

// Variable is one variable that a program reads.
type Variable struct {
	Name     string
	Default  string
	Help     string
	Required bool
	Secret   bool
	// Where it is set, if not by whoever deploys the program: "local", for what points at a stand-in, or
	// "platform", for what Cloud Run sets by itself. The tag "set" of its field says so.
	Where string
}

// Variables lists what Load[T] reads, each once, by name.
func Variables[T any]() []Variable {
	var all []Variable
	for _, f := range fields(reflect.TypeFor[T](), "") {
		all = append(all, f.Variable)
	}
	slices.SortStableFunc(all, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b Variable) bool { return a.Name == b.Name })
}

// Validator is implemented by a Config struct whose fields depend on each other, or are one of a few
// values. The error is for people: a line for each problem (errors.Join), each of which begins with
// the name of a variable, and never holds a value that may be secret.
type Validator interface{ Validate() error }

// Load fills a T, a struct with env tags as github.com/caarlos0/env reads them, from environ
// ("NAME=value", as os.Environ returns). A variable that is set to nothing, or to Unset, counts as not set. Every
// struct in T, and T itself, that is a Validator is asked, also when fields are missing or could not
// be read: those are zero, and what it says of their variables is left out.
//
// Errors: one fault.Invalid that names every variable that is missing or wrong, once, with what to
// put there (the field's help tag), and never a value.
func Load[T any](environ []string) (T, error) {
	vars := env.ToMap(environ)
	for name, value := range vars {
		if value == "" || value == Unset {
			delete(vars, name)
		}
	}
	cfg, err := env.ParseAsWithOptions[T](env.Options{Environment: vars})
	var found problems
	if err != nil {
		found.explain(reflect.TypeFor[T](), vars, func(name string) error {
			_, err := env.ParseAsWithOptions[T](env.Options{Environment: map[string]string{name: vars[name]}})
			return err
		})
		if len(found.lines) == 0 { // a mistake in T itself
			return cfg, fmt.Errorf("config %T: %w", cfg, err)
		}
	}
	found.validate(reflect.ValueOf(&cfg))
	switch len(found.lines) {
	case 0:
		return cfg, nil
	case 1:
		return cfg, fault.New(fault.Invalid, "settings: "+found.lines[0])
	}
	return cfg, fault.New(fault.Invalid, "settings:\n  "+strings.Join(found.lines, "\n  "))
}

// problems are lines, each of which begins with the name of the variable that it is about.
type problems struct {
	lines []string
	named map[string]bool // variables that are missing or could not be read
}

// explain adds a line for each variable that is missing or cannot be read. The reader names fields,
// not variables, when a value cannot be read, so each variable is tried alone.
func (p *problems) explain(t reflect.Type, vars map[string]string, try func(name string) error) {
	p.named = map[string]bool{}
	for _, f := range fields(t, "") {
		_, set := vars[f.Name]
		switch {
		case p.named[f.Name]: // structs share variables
		case !set && f.Required:
			p.lines = append(p.lines, f.Name+" is not set"+f.hint())
			p.named[f.Name] = true
		case set:
			if wrong, ok := unreadable(try(f.Name), f.field); ok {
				p.lines = append(p.lines, f.Name+": want "+f.want(wrong))
				p.named[f.Name] = true
			}
		}
	}
}

// unreadable finds the complaint about a field's value in the reader's error.
func unreadable(err error, field string) (env.ParseError, bool) {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return env.ParseError{}, false
	}
	for _, e := range all.Errors {
		var p env.ParseError
		if errors.As(e, &p) && p.Name == field {
			return p, true
		}
	}
	return env.ParseError{}, false
}

// want says what a field takes: what its type says and its help. A type of our own says it by a fault
// of its UnmarshalText; for another's the help has to do.
func (f field) want(p env.ParseError) string {
	var own *fault.Error
	switch {
	case errors.As(p.Err, &own):
		return own.Msg + f.hint()
	case !reflect.PointerTo(p.Type).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return form(p.Type) + f.hint()
	case f.Help != "":
		return f.Help
	}
	return "another value"
}

// form says how values of a type look.
func form(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 90s, 3m or 1h"
	case reflect.TypeFor[url.URL](), reflect.TypeFor[*url.URL]():
		return "an address such as https://example.com/path"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Map:
		return "pairs such as a:1,b:2"
	default:
		return "a " + t.String()
	}
}

// field is one variable that a struct reads.
type field struct {
	Variable
	field string // of the struct's field
}

func (f field) hint() string {
	if f.Help == "" {
		return ""
	}
	return " (" + f.Help + ")"
}

// fields lists the variables that a struct reads, in its order.
func fields(t reflect.Type, prefix string) (out []field) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		if name != "" && name != "-" {
			out = append(out, field{Variable{
				Name: prefix + name, Default: f.Tag.Get("envDefault"), Help: f.Tag.Get("help"), Where: f.Tag.Get("set"),
				Required: strings.Contains(","+options+",", ",required,") || strings.Contains(","+options+",", ",notEmpty,"),
				Secret:   f.Type == reflect.TypeFor[Secret](),
			}, f.Name})
			continue
		}
		if f.Type.Kind() == reflect.Struct || f.Type.Kind() == reflect.Pointer {
			out = append(out, fields(f.Type, prefix+f.Tag.Get("envPrefix"))...)
		}
	}
	return out
}

// validate asks every Validator in the struct that v points to, the inner ones first.
func (p *problems) validate(v reflect.Value) {
	if v.IsNil() {
		return
	}
	if s := v.Elem(); s.Kind() == reflect.Struct {
		for i := range s.NumField() {
			f := s.Field(i)
			switch {
			case !s.Type().Field(i).IsExported():
			case f.Kind() == reflect.Struct:
				p.validate(f.Addr())
			case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct:
				p.validate(f)
			}
		}
	}
	if a, ok := v.Interface().(Validator); ok {
		if err := a.Validate(); err != nil {
			p.add(err.Error())
		}
	}
}

// add takes a Validator's lines, but for those about variables that have been named and those that
// another struct of its kind has said.
func (p *problems) add(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		name, _, _ := strings.Cut(line, " ")
		if !p.named[strings.TrimSuffix(name, ":")] && !slices.Contains(p.lines, line) {
			p.lines = append(p.lines, line)
		}
	}
}
