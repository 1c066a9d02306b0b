package main

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/filters"
)

// printed writes a value as JSON without losing anything: every field stands in the output, nil slices, maps and
// pointers are null while empty ones are [] and {}, keys are sorted, and a string that is not UTF-8 becomes
// {"bytes_b64": …}. encoding/json alone would drop what is tagged omitempty and replace bad bytes.
func printed(value any) json.RawMessage {
	var out bytes.Buffer
	printValue(&out, reflect.ValueOf(value))
	return out.Bytes()
}

func printValue(out *bytes.Buffer, v reflect.Value) {
	if isNil(v) {
		out.WriteString("null")
		return
	}
	if printSpecial(out, v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		printValue(out, v.Elem())
	case reflect.Struct:
		printStruct(out, v)
	case reflect.Map:
		printMap(out, v)
	case reflect.Slice, reflect.Array:
		printList(out, v)
	case reflect.String:
		printString(out, v.String())
	default:
		out.Write(encoded(v.Interface()))
	}
}

// isNil takes functions and channels for absent: they are the handler's, not the client's.
func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid, reflect.Func, reflect.Chan:
		return true
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return v.IsNil()
	default:
		return false
	}
}

// printSpecial knows the types whose content is hidden in unexported fields.
func printSpecial(out *bytes.Buffer, v reflect.Value) bool {
	t := v.Type()
	switch {
	case !v.CanInterface():
		return false
	case t == filtersType:
		out.Write(encoded(v.Interface()))
	case t.Implements(namedType):
		printString(out, v.Interface().(reference.Named).String())
	case t.Implements(textType):
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			text = []byte("unprintable: " + err.Error())
		}
		printString(out, string(text))
	default:
		return false
	}
	return true
}

func printStruct(out *bytes.Buffer, v reflect.Value) {
	separator := byte('{')
	for _, field := range fieldsOf(v.Type()) {
		out.WriteByte(separator)
		out.Write(field.key)
		value, err := v.FieldByIndexErr(field.index)
		if err != nil {
			out.WriteString("null")
		} else {
			printValue(out, value)
		}
		separator = ','
	}
	if separator == '{' {
		out.WriteByte('{')
	}
	out.WriteByte('}')
}

// field is a field of a struct or of one embedded in it, and its key as JSON with the colon.
type field struct {
	name  string
	key   []byte
	index []int
}

var fieldPlans sync.Map

func fieldsOf(t reflect.Type) []field {
	if plan, ok := fieldPlans.Load(t); ok {
		return plan.([]field)
	}
	var plan []field
	for _, found := range reflect.VisibleFields(t) {
		name := strings.Split(found.Tag.Get("json"), ",")[0]
		if !found.IsExported() || (found.Anonymous && name == "") {
			continue
		}
		if name == "" || name == "-" {
			name = found.Name
		}
		plan = append(plan, field{name: name, key: append(encoded(name), ':'), index: found.Index})
	}
	slices.SortFunc(plan, func(a, b field) int { return strings.Compare(a.name, b.name) })
	fieldPlans.Store(t, plan)
	return plan
}

func printMap(out *bytes.Buffer, v reflect.Value) {
	keys := make(map[string]reflect.Value, v.Len())
	for _, key := range v.MapKeys() {
		keys[keyText(key)] = key
	}
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(encoded(name))
		out.WriteByte(':')
		printValue(out, v.MapIndex(keys[name]))
	}
	out.WriteByte('}')
}

func keyText(key reflect.Value) string {
	text := fmt.Sprint(key.Interface())
	if utf8.ValidString(text) {
		return text
	}
	return "bytes_b64:" + base64.StdEncoding.EncodeToString([]byte(text))
}

func printList(out *bytes.Buffer, v reflect.Value) {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		printBytes(out, v.Bytes())
		return
	}
	out.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			out.WriteByte(',')
		}
		printValue(out, v.Index(i))
	}
	out.WriteByte(']')
}

func printString(out *bytes.Buffer, text string) {
	switch {
	case text == "":
		out.WriteString(`""`)
	case utf8.ValidString(text):
		out.Write(encoded(text))
	default:
		printBytes(out, []byte(text))
	}
}

func printBytes(out *bytes.Buffer, content []byte) {
	out.WriteString(`{"bytes_b64":"` + base64.StdEncoding.EncodeToString(content) + `"}`)
}

var (
	filtersType = reflect.TypeFor[filters.Args]()
	namedType   = reflect.TypeFor[reference.Named]()
	textType    = reflect.TypeFor[encoding.TextMarshaler]()
)
