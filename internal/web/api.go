package web

import (
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"nametag/internal/registry"
)

//go:embed openapi.yaml
var openAPIDocument []byte

func (s *site) openAPI(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(openAPIDocument)
	return nil
}

func (s *site) createPet(w http.ResponseWriter, r *http.Request) error {
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	a := registry.Application{IdempotencyKey: key}
	members := map[string]any{"name": &a.Name, "favorite_color": &a.FavoriteColor, "category": &a.Category}
	if err := readJSON(r, members); err != nil {
		return err
	}
	d, err := s.register(w, r, registry.ViaAPI, a)
	if err != nil {
		return err
	}
	if d.Code != "" {
		s.answer(w, r, refusalOf(d))
		return nil
	}
	w.Header().Set("Location", "/api/v1"+petPath(d.Pet.Name.String()))
	writeJSON(w, http.StatusCreated, newPetJSON(d.Pet))
	return nil
}

// idempotencyKey returns the Idempotency-Key of r, bare or quoted as in the IETF draft, with a prefix that separates
// it from the keys of forms. It returns "" if there is none.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if n := len(key); n >= 2 && key[0] == '"' && key[n-1] == '"' {
		key = key[1 : n-1]
	}
	printable := !strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' })
	if len(values) > 1 || key == "" || len(key) > 255 || !printable {
		return "", webError(codeMalformed,
			"The Idempotency-Key header must be one key of 1 to 255 printable ASCII characters, for instance a UUID.")
	}
	return "api:" + key, nil
}

func (s *site) getPet(w http.ResponseWriter, r *http.Request) error {
	pet, renamed, err := s.find(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	if renamed {
		w.Header().Set("Location", "/api/v1"+petPath(pet.Name.String()))
		w.WriteHeader(movedForNow)
		return nil
	}
	writeJSON(w, http.StatusOK, newPetJSON(&pet))
	return nil
}

// Page sizes of the API's list.
const (
	defaultPageSize = 50
	maxPageSize     = 200
)

func (s *site) listPets(w http.ResponseWriter, r *http.Request) error {
	params, err := readQuery(r)
	if err != nil {
		return err
	}
	q, err := s.parseQuery(params)
	if err != nil {
		return err
	}
	q.Limit = defaultPageSize
	if limit := params.get("limit"); limit != "" {
		q.Limit, err = strconv.Atoi(limit)
		if err != nil || q.Limit < 1 || q.Limit > maxPageSize {
			return &registry.Error{Code: registry.CodeInvalid, Field: "limit",
				Message: fmt.Sprintf("The limit must be a number from 1 to %d.", maxPageSize)}
		}
	}
	page, err := s.registry.Pets(r.Context(), q)
	if err != nil {
		return err
	}
	body := struct {
		Pets       []*petJSON `json:"pets"`
		NextCursor string     `json:"next_cursor,omitempty"`
	}{Pets: []*petJSON{}, NextCursor: page.Next.String()}
	for i := range page.Pets {
		body.Pets = append(body.Pets, newPetJSON(&page.Pets[i]))
	}
	if body.NextCursor != "" {
		w.Header().Set("Link", `<`+r.URL.Path+"?"+params.with("cursor", body.NextCursor)+`>; rel="next"`)
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// parseQuery parses the parameters that both lists of pets, the page and the API's, have in common.
func (s *site) parseQuery(params query) (registry.Query, error) {
	q := registry.Query{Search: params.get("q")}
	var err error
	if q.After, err = registry.ParseCursor(params.get("cursor")); err != nil {
		return q, err
	}
	if category := params.get("category"); category != "" {
		q.Category, err = s.registry.Policy().ParseCategoryToFind(category)
	}
	return q, err
}

func (s *site) checkName(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if !utf8.ValidString(name) {
		return webError(codeMalformed, "The name in the address is not valid text. Encode it as UTF-8.")
	}
	params, err := readQuery(r)
	if err != nil {
		return err
	}
	d, err := s.registry.Suggest(r.Context(), registry.Application{
		Name:          name,
		FavoriteColor: params.get("favorite_color"),
		Category:      params.get("category"),
	})
	if err != nil {
		return err
	}
	decisions := []registry.Decision{d}
	s.registry.Explain(r.Context(), decisions)
	c := s.checked(name, decisions[0])
	c.Suggestions = alternatives(decisions[0])
	writeJSON(w, http.StatusOK, c)
	return nil
}

// maxNames is how many names one request may check.
const maxNames = 50

func (s *site) checkNames(w http.ResponseWriter, r *http.Request) error {
	var list []*string
	if err := readJSON(r, map[string]any{"names": &list}); err != nil {
		return err
	}
	switch n := len(list); {
	case n == 0:
		return &registry.Error{Code: registry.CodeEmpty, Field: "names", Message: "The list of names is empty. Send 1 to 50."}
	case n > maxNames:
		return webError(codeTooMany, "The list has %d names. Send at most %d at once.", n, maxNames)
	case slices.Contains(list, nil):
		return webError(codeMalformed, "The list of names contains null. Send strings.")
	}
	names := make([]string, len(list))
	for i, name := range list {
		names[i] = *name
	}
	decisions, err := s.registry.Check(r.Context(), names...)
	if err != nil {
		return err
	}
	s.registry.Explain(r.Context(), decisions)
	answer := struct {
		Verdicts []checkJSON `json:"verdicts"`
	}{}
	for i, d := range decisions {
		answer.Verdicts = append(answer.Verdicts, s.checked(names[i], d))
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}
