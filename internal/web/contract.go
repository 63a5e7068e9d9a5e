package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nametag/internal/registry"
)

// The words that the first version put into "status". Its clients know them,
// so they do not change.
const (
	statusOK       = "ok"
	statusFound    = "Found"
	statusNotFound = "Not Found"
	statusEmpty    = "empty parameter"

	// statusInvalid and statusError stand where the first version had no words.
	statusInvalid = "invalid parameter"
	statusError   = "error"
)

// contractAnswer is a JSON body of the contract: its one member, and those
// that were added since.
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

// newContractAnswer puts a failure into the contract's words.
func newContractAnswer(f failure) contractAnswer {
	a := contractAnswer{
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

// contractFields are the names that the first version has for the fields.
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
	name := params.Get("pet_name")
	if strings.TrimSpace(name) == "" {
		return &registry.Error{Code: registry.CodeEmpty, Field: registry.FieldName,
			Message: "The parameter pet_name is missing or empty. Ask for a name, as in /check_pet_name?pet_name=Bella."}
	}
	c, err := s.suggest(r, false, registry.Application{
		Name:          name,
		FavoriteColor: params.Get("pet_favorite_color"),
		Category:      params.Get("pet_category"),
	})
	if err != nil {
		return err
	}
	a := contractAnswer{
		Status:        statusFound,
		Available:     &c.Available,
		Reason:        c.Reason,
		Message:       c.Message,
		ConflictsWith: c.ConflictsWith,
		Suggestions:   c.Suggestions,
		AsOf:          c.AsOf,
	}
	if c.Available {
		a.Status = statusNotFound
	}
	writeJSON(w, http.StatusOK, a)
	return nil
}

// registerPet takes the form: from the page, without a script's help, and from
// the first version's clients. The former get pages, the latter JSON.
func (s *site) registerPet(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(r)
	if limited := exchangeOf(w).limited; err != nil && limited != nil {
		return limited
	}
	if err != nil {
		return err
	}
	via := registry.ViaAPI
	if wantsPage(r) {
		via = registry.ViaWeb
	}
	var d registry.Decision
	if err = exchangeOf(w).limited; err == nil {
		d, err = s.register(w, r, via, registry.Application{
			Name:           form.Get("pet_name"),
			FavoriteColor:  form.Get("pet_favorite_color"),
			Category:       form.Get("pet_category"),
			IdempotencyKey: formKey(form),
		})
	}
	switch {
	case err != nil && wantsPage(r):
		return s.renderFormError(w, r, form, err)
	case err != nil:
		return err
	case d.Code != "" && wantsPage(r):
		s.renderForm(w, r, form, refusalOf(d))
		return nil
	case d.Code != "":
		return s.refuse(w, r, d)
	case wantsPage(r):
		http.Redirect(w, r, petPath(d.Pet.Name.String())+"?new", http.StatusSeeOther)
		return nil
	default:
		w.Header().Set("Location", petPath(d.Pet.Name.String()))
		writeJSON(w, http.StatusOK, contractAnswer{Status: statusOK})
		return nil
	}
}

// formKey makes a form that is sent twice, by a double click or a reload,
// count once: its token and its values together are the idempotency key. With
// other values it is another registration, as after going back in the browser.
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
