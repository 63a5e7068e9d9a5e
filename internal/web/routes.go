package web

import (
	"net/http"
	"strings"
)

// routes returns every route of the site.
func (s *site) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h handler) { mux.HandleFunc(pattern, s.handle(bounded(h))) }

	// Pages.
	handle("GET /{$}", s.home)
	handle("GET /pets", s.listPage)
	handle("GET /pets/{name}", s.petPage)
	handle("GET /problems", s.problemsPage)
	handle("GET /static/{file}", s.static)
	handle("GET /favicon.ico", s.favicon)

	// The contract of the first version.
	handle("GET /check_pet_name", s.checkPetName)
	handle("POST /register_pet", s.registerPet)

	// The API.
	handle("GET /openapi.yaml", s.openAPI)
	handle("POST /api/v1/pets", s.createPet)
	handle("GET /api/v1/pets", s.listPets)
	handle("GET /api/v1/pets/{name}", s.getPet)
	handle("GET /api/v1/names/{name}", s.checkName)
	handle("POST /api/v1/names/check", s.checkNames)

	// Probes.
	handle("GET /healthz", s.healthz)
	handle("GET /readyz", s.readyz)

	handle(noRoute, func(w http.ResponseWriter, r *http.Request) error { return s.unrouted(mux, w, r) })
	return mux
}

// The path and the pattern of the check that pages send while a name is typed.
const (
	pathCheck    = "/check_pet_name"
	patternCheck = "GET " + pathCheck
)

// direct serves checks without the search for their route, which costs 3 % of their CPU time, and without a timeout,
// which costs 7 %: the index answers from memory or has its own timeout. Other requests go to mux. (go test -bench
// Handler/Check ./internal/web)
func (s *site) direct(mux *http.ServeMux) http.Handler {
	check := s.handle(s.checkPetName)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == pathCheck {
			r.Pattern = patternCheck
			check(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// noRoute is the pattern that matches what no other pattern matches.
const noRoute = "/"

// unrouted answers a request that matches no route: 405 if its path has routes for other methods, 404 otherwise.
func (s *site) unrouted(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := mux.Handler(probe); pattern != noRoute {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return webError(codeNoPage, "There is nothing at this address. Check its spelling, or go back to home.")
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return webError(codeMethod, "The method %.20s is not allowed at this address. Use %s.",
		r.Method, strings.Join(allowed, " or "))
}
