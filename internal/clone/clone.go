// Package clone copies values so deep that the copy shares no memory that anybody may write to.
package clone

import (
	"reflect"
	"time"
)

// Of returns a deep copy of a value made of exported fields, such as discordgo's structs:
// pointers, slices, maps and interfaces in it are copied with what they hold. Unexported fields
// are copied as they are, which is right for [time.Time]. A value that refers to itself would
// never end; decoded JSON does not.
func Of[T any](v T) T {
	var out T
	reflect.ValueOf(&out).Elem().Set(deep(reflect.ValueOf(&v).Elem()))
	return out
}

func deep(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(deep(v.Elem()))
		return out
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		return deep(v.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(out, v)
		if !flat(v.Type().Elem()) {
			for i := range v.Len() {
				out.Index(i).Set(deep(v.Index(i)))
			}
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			out.SetMapIndex(it.Key(), deep(it.Value()))
		}
		return out
	case reflect.Struct:
		return deepStruct(v)
	default:
		return v
	}
}

func deepStruct(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	if v.Type() == reflect.TypeFor[time.Time]() {
		return out
	}
	for i := range v.NumField() {
		if field := out.Field(i); field.CanSet() && !flat(field.Type()) {
			field.Set(deep(v.Field(i)))
		}
	}
	return out
}

// flat reports whether values of a type hold nothing but themselves. Strings cannot be written
// to and count as such.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map, reflect.Struct,
		reflect.Array, reflect.Chan, reflect.Func:
		return false
	default:
		return true
	}
}
