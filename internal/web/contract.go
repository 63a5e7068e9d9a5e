package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nametag/internal/registry"
)

// The values of "status" in the first version. Its clients depend on them, so they do not change.
const (
	statusOK       = "ok"
	statusFound    = "Found"
	statusNotFound = "Not Found"
	statusEmpty    = "empty parameter"

	// The first version had no status for these.
	statusInvalid = "invalid parameter"
	statusError   = "error"
)

// contractAnswer is a JSON body of the contract. The first version had only Status.
type contractAnswer struct {
	Status        string        `json:"status"`
	Available     *bool         `json:"available,omitempty"`
	Reason        registry.Code `json:"reason,omitempty"`
	Message       string        `json:"message,omitempty"`
	Errors        []fieldError  `json:"errors,omitempty"`
	ConflictsWith *petJSON      `json:"conflicts_with,omitempty"`
	Suggestions   []string      `json:"suggestions,omitzero"`
	AsOf          time.Time     `json:"as_of,omitzero"`
}

// newContractAnswer returns f in the contract's words.
func newContractAnswer(f failure) *contractAnswer {
	a := &contractAnswer{
		Status:        statusError,
		Reason:        f.Code,
		Message:       f.Message,
		Errors:        f.Errors,
		ConflictsWith: f.ConflictsWith,
		Suggestions:   f.Suggestions,
	}
	switch f.Code {
	case registry.CodeTaken, registry.CodeSimilar, registry.CodeReserved:
		a.Status = statusFound
		a.Available = new(false)
	case registry.CodeInvalid, registry.CodeEmpty, codeMalformed:
		a.Status = statusInvalid
		for i := range a.Errors {
			f := &a.Errors[i]
			if f.Code == registry.CodeEmpty {
				a.Status = statusEmpty
			}
			if i == 0 {
				a.Reason = f.Code
			}
			f.Field = contractFields[f.Field]
		}
	}
	return a
}

// contractFields are the first version's names of the fields.
var contractFields = map[registry.Field]registry.Field{
	registry.FieldName:     "pet_name",
	registry.FieldColor:    "pet_favorite_color",
	registry.FieldCategory: "pet_category",
}

func (s *site) checkPetName(w http.ResponseWriter, r *http.Request) error {
	params, err := readQuery(r)
	if err != nil {
		return err
	}
	name := params.get("pet_name")
	if strings.TrimSpace(name) == "" {
		return &registry.Error{Code: registry.CodeEmpty, Field: registry.FieldName,
			Message: "The parameter pet_name is missing or empty. Send a name, as in /check_pet_name?pet_name=Bella."}
	}
	d, err := s.registry.Suggest(r.Context(), registry.Application{
		Name:          name,
		FavoriteColor: params.get("pet_favorite_color"),
		Category:      params.get("pet_category"),
	})
	if err != nil {
		return err
	}
	c := s.checked(name, d)
	a := contractAnswer{
		Status:        statusFound,
		Available:     new(c.Available),
		Reason:        c.Reason,
		Message:       c.Message,
		ConflictsWith: c.ConflictsWith,
		Suggestions:   alternatives(d),
		AsOf:          c.AsOf,
	}
	if c.Available {
		a.Status = statusNotFound
	}
	a.write(w, http.StatusOK)
	return nil
}

// registerPet registers the pet in a form, which browsers without a script and the first version's clients send.
// Browsers get pages, other clients JSON.
func (s *site) registerPet(w http.ResponseWriter, r *http.Request) error {
	limited := exchangeOf(w).limited
	form, err := readForm(r)
	if err != nil {
		return cmp.Or(limited, err)
	}
	page, via := wantsPage(r), registry.ViaAPI
	if page {
		via = registry.ViaWeb
	}
	var d registry.Decision
	if err = limited; err == nil {
		d, err = s.register(w, r, via, registry.Application{
			Name:           form.Get("pet_name"),
			FavoriteColor:  form.Get("pet_favorite_color"),
			Category:       form.Get("pet_category"),
			IdempotencyKey: formKey(form),
		})
	}
	switch {
	case err != nil && page:
		return s.renderFormError(w, r, form, err)
	case err != nil:
		return err
	case d.Code != "" && page:
		s.renderForm(w, r, form, refusalOf(d))
	case d.Code != "":
		s.answer(w, r, refusalOf(d))
	case page:
		http.Redirect(w, r, petPath(d.Pet.Name.String())+"?new", http.StatusSeeOther)
	default:
		w.Header().Set("Location", petPath(d.Pet.Name.String()))
		(&contractAnswer{Status: statusOK}).write(w, http.StatusOK)
	}
	return nil
}

// formKey returns the idempotency key of a form: its token and its values. A form that is submitted twice, by a double
// click or a reload, then counts once, and one that is changed after going back in the browser is another registration.
func formKey(form url.Values) string {
	if form.Get("form_token") == "" {
		return ""
	}
	h := sha256.New()
	for _, field := range []string{"form_token", "pet_name", "pet_favorite_color", "pet_category"} {
		h.Write([]byte(form.Get(field) + "\x00"))
	}
	return "form:" + hex.EncodeToString(h.Sum(nil))
}
