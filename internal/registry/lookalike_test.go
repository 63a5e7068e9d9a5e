package registry_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"nametag/internal/registry"
	"nametag/internal/skeleton"
)

// Every line is of names that can be mistaken for one another, and no two lines can.
func TestLookalikeKey(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, tt := range []struct {
		key   string
		names []string
	}{
		{"bella", []string{"Bella", "BELLA", "bella", "Bеlla", "ΒеІІа", "BeIIa", "BelIa", "Bel-la", "Bel–la", "Bel_la", "Bel−la", "B E L L A", "B e l l a",
			"B.e.l.l.a.", "“Bella”", "(Bella)", "¡Bella!", "Bella´", "Ｂｅｌｌａ", "𝓑𝓮𝓵𝓵𝓪", "Be11a", "Be||a", "BᴇʟʟA", "Ⓑella", "BELlA", "Belꞌla", "Bellaǃ"}},
		{"bellaq", []string{"Bella Q", "Bella, Q.", "BELLA/Q", "BELLA\\Q", "Bella*Q"}},
		{"bella&q", []string{"Bella & Q", "Bella&Q", "BELLA ＆ Q"}},
		{"bella+", []string{"Bella+", "Bella +"}},
		{"bella❤", []string{"Bella ❤", "bella-❤\ufe0f"}},
		{"👶🏻bo", []string{"👶🏻 Bo", "👶🏻-BO"}},
		{"👶🏿bo", []string{"👶🏿 Bo"}},
		{"👶bo", []string{"👶 Bo", "👶´Bo"}},
		{"bella#2", []string{"Bella #2", "Bella # 2"}},
		{"bella2", []string{"Bella 2", "Bella²", "Bella-2", "BellaƧ"}},

		// An I, an l and what looks like them.
		{"ian", []string{"Ian", "IAN", "ian", "Іan", "Ιan", "Ｉan", "I-a-n", "I A N"}},
		{"lan", []string{"Lan", "LAN", "lan", "1an", "|an", "ӏan"}},
		{"iola", []string{"Iola", "IOLA", "iola", "I0la"}},
		{"lola", []string{"Lola", "LOLA", "lola", "loIa", "1o1a"}},
		{"bianca", []string{"Bianca", "BIANCA", "bianca", "B I A N C A", "BІANCA", "Bi-anca"}},
		{"blanca", []string{"Blanca", "BLANCA", "BIanca", "BlANCA", "B1anca"}},
		{"ella", []string{"Ella", "ELLA", "EIIa", "ElIa", "EIla"}},
		{"ilan", []string{"Ilan", "IIan", "I1an"}},
		{"oian", []string{"O'Ian", "O’Ian", "O´Ian", "OʼIan", "O-Ian", "O IAN", "OIAN", "Oian"}},
		{"olan", []string{"OIan", "O'Lan"}},
		{"rncintosh", []string{"Mcintosh", "MCINTOSH", "Mc Intosh"}},
		{"rnclntosh", []string{"McIntosh", "Mclntosh", "McINTOSH"}},
		{"rexii", []string{"Rex II"}},
		{"rexll", []string{"Rex 11", "Rex ll"}},
		{"rocketi", []string{"Rocket I"}},
		{"rocketl", []string{"Rocket 1", "RocketI", "Rocket l", "Rocket |"}},
		{"henryviii", []string{"Henry VIII", "Henry viii", "HENRY VIII", "Henry Ⅷ"}},
		{"rnaría", []string{"María", "MARÍA", "MarÍa"}},
		{"i̇lke", []string{"İlke", "İLKE"}},
		{"ilkay", []string{"Ilkay", "ılkay"}},

		// m and rn, 0 and o, and letters that were decomposed.
		{"bernie", []string{"Bernie", "Bemie", "BERNIE", "BEMIE"}},
		{"rnaxlo", []string{"Max 10", "Max lo", "MAX 1O", "Maxlo"}},
		{"rnaxl", []string{"Max 1", "Max l"}},
		{"rnaxi", []string{"Max I", "Maxi"}},
		{"rno\u0308bius", []string{"Möbius", "MÖBIUS", "Mo\u0308bius", "Mӧbius"}},
		{"rnobius", []string{"Mobius", "MOBIUS"}},
		{"zoe\u0308", []string{"Zoë", "ZOЁ"}},
		{"zoe", []string{"Zoe", "ZOE", "Ζοe", "ζοε"}},
		{"strabe", []string{"STRAΒE", "Strabe"}},
		{"straße", []string{"Straße", "Straβe", "STRAẞE"}},
		{"aerial", []string{"Ærial", "ærial", "Aerial"}},

		// Other scripts: capitals that look like nothing Latin are their small letters.
		{"bepa", []string{"Вера", "ВЕРА", "вера", "Ве-ра", "Bepa"}},
		{"rypлᴎk", []string{"Гурлик", "ГУРЛИК", "гурлик"}},
		{"юлa", []string{"Юла", "ЮЛА", "юла"}},
		{"さ❬ら", []string{"さくら", "さ・く・ら"}},
		{"さら", []string{"さら"}},
		{"チ/", []string{"チノ"}},
		{"チ", []string{"チ"}},
		{"lo'", []string{"וסי"}}, // a yod is not overlooked
		{"lo", []string{"וס", "Lo"}},
		{"o/ol", []string{"%1"}},

		// Nothing else is left.
		{"-", []string{"➖"}},
		{"!", []string{"ǃ"}},
		{"'", []string{"ʼ", "ʻ"}},
		{"♚", []string{"♚"}},
	} {
		for _, s := range tt.names {
			name, err := registry.ParseName(s)
			if err != nil {
				t.Errorf("ParseName(%q): %v", s, err)
				continue
			}
			if got := name.LookalikeKey(); got != norm.NFD.String(tt.key) {
				t.Errorf("the lookalike key of %q is %q, want %q", s, got, tt.key)
			}
		}
		if other, twice := seen[tt.key]; twice {
			t.Errorf("%q has two lines, the first with %s", tt.key, other)
		}
		seen[tt.key] = strings.Join(tt.names, ", ")
	}
}

// Names keep their keys, unless LookalikeKeyVersion is raised. The sample has the
// names of Seattle's pets and blocks of letters that are mistaken for others.
func TestLookalikeKeyVersion(t *testing.T) {
	sample := seattleNames(t)
	for _, block := range [][2]rune{{' ', '~'}, {'¡', 'ͷ'}, {'Ѐ', 'ԯ'}, {'Ա', 'Ֆ'}, {'Ḁ', 'ἕ'}, {'‐', '⁞'}, {'①', '⓿'}, {'Ⲁ', 'ⳳ'}, {'！', '～'}} {
		for r := block[0]; r <= block[1]; r++ {
			sample = append(sample, registry.RestoreName("A"+string(r)+"b "+string(r)+"n", ""))
		}
	}
	hash := sha256.New()
	for _, name := range sample {
		fmt.Fprintln(hash, name.LookalikeKey())
	}
	const want = "1:613ec58a2fe973bd4fb8c03cd90166951cc96478a8063931737e5d5801b4d4eb"
	if got := fmt.Sprintf("%d:%x", registry.LookalikeKeyVersion, hash.Sum(nil)); got != want {
		t.Errorf("the version and the hash of the keys are %s, want %s: if keys have changed, raise LookalikeKeyVersion", got, want)
	}
}

// A capital that looks like an l, and whose small letter looks like an i, is a capital I in any script.
func TestEveryCapitalI(t *testing.T) {
	t.Parallel()
	found := 0
	for r := range rune(utf8.MaxRune + 1) {
		upper, lower := string(r), string(unicode.ToLower(r))
		if upper == lower || skeleton.Of(upper) != "l" || skeleton.Of(lower) != "i" {
			continue
		}
		found++
		for s, want := range map[string]string{
			upper + "an": "ian", "a" + upper + "a": "ala", "A" + upper + "A": "aia", "A" + upper + upper + "a": "alla", "A'" + upper + "a": "aia",
		} {
			name, err := registry.ParseName(s)
			if err != nil {
				t.Errorf("ParseName(%q): %v", s, err)
			} else if got := name.LookalikeKey(); got != want {
				t.Errorf("%U: the lookalike key of %q is %q, want %q", r, s, got, want)
			}
		}
	}
	if found != 7 { // compatibility forms included
		t.Errorf("%d capital I's, want 7", found)
	}
}

// A capital and its small letter have one lookalike key, but for these letters,
// whose capital looks like one Latin letter or digit and whose small form does not.
func TestLookalikeKeyIgnoresCase(t *testing.T) {
	t.Parallel()
	const exceptions = "ΒΗΝΥϜϬϺ" + // Greek, the last three not of today
		"Տ" + // Armenian
		"ƼɁꝚꝮꞲꞴ" // Latin, in rare use
	scripts := []*unicode.RangeTable{unicode.Cherokee, unicode.Coptic, unicode.Osage, unicode.Warang_Citi}

	found := map[rune]bool{}
	for r := range rune(utf8.MaxRune + 1) {
		if unicode.ToLower(r) == r {
			continue
		}
		capital, err1 := registry.ParseName(string(r))
		small, err2 := registry.ParseName(string(unicode.ToLower(r)))
		if err1 != nil || err2 != nil || capital.Key() != small.Key() || capital.LookalikeKey() == small.LookalikeKey() {
			continue
		}
		letter, _ := utf8.DecodeRuneInString(norm.NFD.String(string(r)))
		found[letter] = true
		if !strings.ContainsRune(exceptions, letter) && !unicode.In(letter, scripts...) {
			t.Errorf("%U: the lookalike key of %s is %q, that of %s is %q", r, capital, capital.LookalikeKey(), small, small.LookalikeKey())
		}
	}
	for _, r := range exceptions {
		if !found[r] {
			t.Errorf("%c is no exception any more", r)
		}
	}
}

// checkLookalikeKey holds the lookalike key of n to what every one promises.
func checkLookalikeKey(t rapid.TB, n registry.Name) {
	t.Helper()
	key := n.LookalikeKey()
	if key == "" || !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) {
		t.Fatalf("the lookalike key of %q is %q", n, key)
	}
	if !strings.ContainsFunc(key, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.So) }) {
		return // nothing but what is overlooked
	}
	for _, variant := range []string{n.String() + " ", "-" + n.String(), n.String() + "!", "(" + n.String() + ")"} {
		v, err := registry.ParseName(variant)
		if err == nil && v.LookalikeKey() != key {
			t.Fatalf("the lookalike key of %q is %q, that of %q is %q", n, key, v, v.LookalikeKey())
		}
	}

	// The key is a way to write the name, unless it has letters that look like punctuation: then that is overlooked.
	if strings.ContainsFunc(key, func(r rune) bool { return unicode.In(r, unicode.Z, unicode.P, unicode.Sk) }) {
		return
	}
	again, err := registry.ParseName(key)
	if err == nil && again.LookalikeKey() != key {
		t.Fatalf("the lookalike key of %q is %q, whose own is %q", n, key, again.LookalikeKey())
	}
}

func TestSpacesAndHyphensAreOverlooked(t *testing.T) {
	t.Parallel()
	letters := []rune("abcdefghijklmnopqrstuvwxyzABCDEFGHJKLMNOPQRSTUVWXYZ0123456789&+éßжЮПνΣこむיوﷺ❤𝓑")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom(letters), 1, 12, -1).Draw(t, "name")
		var spread strings.Builder
		for _, r := range text {
			spread.WriteRune(r)
			spread.WriteString(rapid.SampledFrom([]string{"", "", " ", "-", "'", ". "}).Draw(t, "between"))
		}
		name, err1 := registry.ParseName(text)
		spaced, err2 := registry.ParseName(spread.String())
		if err1 != nil || err2 != nil {
			t.Skip()
		}
		if name.LookalikeKey() != spaced.LookalikeKey() {
			t.Fatalf("the lookalike key of %q is %q, that of %q is %q", name, name.LookalikeKey(), spaced, spaced.LookalikeKey())
		}
		checkLookalikeKey(t, name)
	})
}

// Every code point that a name may have keeps the promises of a lookalike key.
func TestEveryLetterHasALookalikeKey(t *testing.T) {
	t.Parallel()
	for r := range rune(utf8.MaxRune + 1) {
		s := string(r)
		if !unicode.IsGraphic(r) || unicode.IsLetter(r) && unicode.ToLower(r) == r && norm.NFKD.IsNormalString(s) && skeleton.Of(s) == s {
			continue // nothing is done to it
		}
		if name, err := registry.ParseName("a" + s + "A"); err == nil {
			checkLookalikeKey(t, name)
		}
	}
}

func BenchmarkLookalikeKey(b *testing.B) {
	for _, s := range []string{"Bella", "Bella Blue", "O'Malley & Sons (No. 1)", "Tommy 10", "BIANCA", "Möbius", "Bеlla", "こむぎ"} {
		name, err := registry.ParseName(s)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				name.LookalikeKey()
			}
		})
	}
}
