package main

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// checkPath is the path of a check, without the name.
const checkPath = "/check_pet_name?pet_name="

// checkNametag checks names of a registry of so many.
func checkNametag(names int) workload {
	return func(req *fasthttp.Request, r *rand.Rand) string {
		name, taken := pickName(r, names)
		req.SetRequestURI(checkPath + name)
		if taken {
			return `"available":false`
		}
		return `"available":true`
	}
}

// checkConstant sends the constant server what nametag is sent.
func checkConstant(names int) workload {
	return func(req *fasthttp.Request, r *rand.Rand) string {
		name, _ := pickName(r, names)
		req.SetRequestURI(checkPath + name)
		return `"constant"`
	}
}

// checkPocketBase looks for names by the filter that the index on names serves, and asks for what a check needs.
func checkPocketBase(names int) workload {
	const path = pocketPath + "?perPage=1&skipTotal=1&fields=name&filter="
	return func(req *fasthttp.Request, r *rand.Rand) string {
		name, taken := pickName(r, names)
		req.SetRequestURI(path + url.QueryEscape("(name:lower='"+strings.ToLower(name)+"')"))
		if taken {
			return `"name":"` + name + `"`
		}
		return `"items":[]`
	}
}

// pickName returns a name to check: half of them are taken in a registry of so many names, half are free.
func pickName(r *rand.Rand, names int) (name string, taken bool) {
	if r.Uint64()&1 == 0 {
		return nameOf(r.Uint64N(uint64(names))), true
	}
	return nameOf(freeNames + r.Uint64N(1<<30)), false
}

// registerNametag registers the names from next on.
func registerNametag(next *atomic.Uint64) workload {
	return func(req *fasthttp.Request, _ *rand.Rand) string {
		form := "pet_name=" + nameOf(next.Add(1)-1) + "&pet_favorite_color=blue&pet_category=cat"
		post(req, "/register_pet", "application/x-www-form-urlencoded", form)
		return `"status":"ok"`
	}
}

// registerPocketBase creates records with the names from next on.
func registerPocketBase(next *atomic.Uint64) workload {
	return func(req *fasthttp.Request, _ *rand.Rand) string {
		name := nameOf(next.Add(1) - 1)
		post(req, pocketPath, "application/json", `{"name":"`+name+`","favorite_color":"blue","category":"cat"}`)
		return `"name":"` + name + `"`
	}
}

func post(req *fasthttp.Request, path, contentType, body string) {
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType(contentType)
	req.SetRequestURI(path)
	req.SetBodyString(body)
}
