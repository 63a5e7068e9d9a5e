package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// assets are the files that pages load. Their names contain a checksum, so that browsers may cache them permanently.
type assets struct {
	paths map[string]string // "app.css" → "/static/app.0123456789ab.css"
	files map[string][]byte // "app.0123456789ab.css" → content
}

func newAssets() *assets {
	a := &assets{make(map[string]string), make(map[string][]byte)}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // the folder is embedded
	}
	for _, e := range entries {
		content, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err) // the file is embedded
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(e.Name())
		named := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		a.paths[e.Name()] = "/static/" + named
		a.files[named] = content
	}
	return a
}

// path returns the path of the asset with this file name. It panics if there is none, which is an error in a template.
func (a *assets) path(name string) string {
	p, ok := a.paths[name]
	if !ok {
		panic("no such asset: " + name)
	}
	return p
}

func (s *site) static(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	content, ok := s.pages.assets.files[name]
	if !ok {
		return webError(codeNoPage, "There is no such file. Reload the page that links to it.")
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	serveAsset(w, name, content)
	return nil
}

// favicon serves the icon at the path that browsers request by default.
func (s *site) favicon(w http.ResponseWriter, r *http.Request) error {
	a := s.pages.assets
	w.Header().Set("Cache-Control", "public, max-age=86400")
	serveAsset(w, "icon.svg", a.files[path.Base(a.path("icon.svg"))])
	return nil
}

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func serveAsset(w http.ResponseWriter, name string, content []byte) {
	w.Header().Set("Content-Type", mediaTypes[path.Ext(name)])
	_, _ = w.Write(content) // a disconnected client reads nothing
}
