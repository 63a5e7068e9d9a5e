package web

import (
	_ "embed"
	"net/http"
	"net/url"
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
	var body struct {
		Name          string `json:"name"`
		FavoriteColor string `json:"favorite_color"`
		Category      string `json:"category"`
	}
	if err := readJSON(r, &body, "name", "favorite_color", "category"); err != nil {
		return err
	}
	d, err := s.register(w, r, registry.ViaAPI, registry.Application{
		Name: body.Name, FavoriteColor: body.FavoriteColor, Category: body.Category, IdempotencyKey: key,
	})
	if err != nil {
		return err
	}
	if d.Code != "" {
		return s.refuse(w, r, d)
	}
	w.Header().Set("Location", "/api/v1"+petPath(d.Pet.Name.String()))
	writeJSON(w, http.StatusCreated, newPetJSON(d.Pet))
	return nil
}

// idempotencyKey returns the Idempotency-Key of r, bare or quoted as the IETF
// draft has it, in a name space of its own; "" if there is none.
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
		return "", webError(codeMalformed, "The Idempotency-Key header must be one key of 1 to 255 printable ASCII characters, for instance a UUID.")
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
	if limit := params.Get("limit"); limit != "" {
		q.Limit, err = strconv.Atoi(limit)
		if err != nil || q.Limit < 1 || q.Limit > maxPageSize {
			return &registry.Error{Code: registry.CodeInvalid, Field: "limit", Message: "The limit must be a number from 1 to 200."}
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
		params.Set("cursor", body.NextCursor)
		w.Header().Set("Link", `<`+r.URL.Path+"?"+params.Encode()+`>; rel="next"`)
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// parseQuery reads what both lists of pets, the page and the API's, are asked.
func (s *site) parseQuery(params url.Values) (registry.Query, error) {
	q := registry.Query{Search: params.Get("q")}
	var err error
	if q.After, err = registry.ParseCursor(params.Get("cursor")); err != nil {
		return q, err
	}
	if category := params.Get("category"); category != "" {
		q.Category, err = s.registry.Policy().ParseCategoryToFind(category)
	}
	return q, err
}

func (s *site) checkName(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if !utf8.ValidString(name) {
		return webError(codeMalformed, "The name in the address is not valid text. Send it encoded as UTF-8.")
	}
	params, err := readQuery(r)
	if err != nil {
		return err
	}
	c, err := s.suggest(r, true, registry.Application{
		Name:          name,
		FavoriteColor: params.Get("favorite_color"),
		Category:      params.Get("category"),
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, c)
	return nil
}

// maxNames is how many names one request may ask about.
const maxNames = 50

func (s *site) checkNames(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Names []*string `json:"names"`
	}
	if err := readJSON(r, &body, "names"); err != nil {
		return err
	}
	names := make([]string, 0, len(body.Names))
	for _, name := range body.Names {
		if name == nil {
			return webError(codeMalformed, "The list of names has a null. Send strings.")
		}
		names = append(names, *name)
	}
	switch n := len(names); {
	case n == 0:
		return &registry.Error{Code: registry.CodeEmpty, Field: "names", Message: "The list of names is empty. Send 1 to 50."}
	case n > maxNames:
		return webError(codeTooMany, "The list has %d names. Send at most %d at once.", n, maxNames)
	}
	decisions, err := s.check(r, names...)
	if err != nil {
		return err
	}
	answer := struct {
		Verdicts []checkJSON `json:"verdicts"`
	}{}
	for i, d := range decisions {
		answer.Verdicts = append(answer.Verdicts, newCheckJSON(names[i], d))
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}
