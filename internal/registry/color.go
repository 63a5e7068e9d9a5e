package registry

import "strings"

// ColorNames returns the named colours of CSS (CSS Color Module Level 4, section 6.1), spelled as people write them, in
// alphabetical order. Forms suggest them. CSS also has the spellings with "gray", which are not listed.
func ColorNames() []string { return strings.Split(colorNames, ",") }

const colorNames = "alice blue,antique white,aqua,aquamarine,azure,beige,bisque,black,blanched almond,blue," +
	"blue violet,brown,burlywood,cadet blue,chartreuse,chocolate,coral,cornflower blue,cornsilk,crimson," +
	"cyan,dark blue,dark cyan,dark goldenrod,dark green,dark grey,dark khaki,dark magenta,dark olive green," +
	"dark orange,dark orchid,dark red,dark salmon,dark sea green,dark slate blue,dark slate grey," +
	"dark turquoise,dark violet,deep pink,deep sky blue,dim grey,dodger blue,firebrick,floral white," +
	"forest green,fuchsia,gainsboro,ghost white,gold,goldenrod,green,green yellow,grey,honeydew,hot pink," +
	"indian red,indigo,ivory,khaki,lavender,lavender blush,lawn green,lemon chiffon,light blue,light coral," +
	"light cyan,light goldenrod yellow,light green,light grey,light pink,light salmon,light sea green," +
	"light sky blue,light slate grey,light steel blue,light yellow,lime,lime green,linen,magenta,maroon," +
	"medium aquamarine,medium blue,medium orchid,medium purple,medium sea green,medium slate blue," +
	"medium spring green,medium turquoise,medium violet red,midnight blue,mint cream,misty rose,moccasin," +
	"navajo white,navy,old lace,olive,olive drab,orange,orange red,orchid,pale goldenrod,pale green," +
	"pale turquoise,pale violet red,papaya whip,peach puff,peru,pink,plum,powder blue,purple," +
	"rebecca purple,red,rosy brown,royal blue,saddle brown,salmon,sandy brown,sea green,seashell,sienna," +
	"silver,sky blue,slate blue,slate grey,snow,spring green,steel blue,tan,teal,thistle,tomato,turquoise," +
	"violet,wheat,white,white smoke,yellow,yellow green"

// cssKeywords is the set of CSS colour keywords, both spellings of grey included.
var cssKeywords = func() map[string]struct{} {
	set := make(map[string]struct{})
	for _, name := range ColorNames() {
		keyword := strings.ReplaceAll(name, " ", "")
		set[keyword] = struct{}{}
		set[strings.Replace(keyword, "grey", "gray", 1)] = struct{}{}
	}
	return set
}()
