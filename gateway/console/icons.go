package console

import "html/template"

// icons are the pictures on the pages, drawn on 24 by 24 with one line; they always stand beside words.
var icons = map[string]string{
	"fine":          `<path d="M20 6.5 9.5 17.5 4 12"/>`,
	"still":         `<path d="M6 3h12M6 21h12M7 3c0 5 10 6 10 9s-10 4-10 9M17 3c0 5-10 6-10 9s10 4 10 9"/>`,
	"perhaps-out":   `<path d="M14 4H6v16h8"/><path d="M11 12h10m-4-4 4 4-4 4"/>`,
	"blind":         `<path d="M3 3l18 18"/><path d="M10.6 5.1A9.8 9.8 0 0 1 12 5c5.5 0 9 5 10 7a16 16 0 0 1-3 3.9M6.6 6.6A15.6 15.6 0 0 0 2 12c1 2 4.5 7 10 7a9.6 9.6 0 0 0 5.3-1.6"/><path d="M9.9 9.9a3 3 0 0 0 4.2 4.2"/>`,
	"to-be-checked": `<path d="M12 3 2.5 20h19z"/><path d="M12 10v4.5M12 17.4v.1"/>`,
	"paused":        `<path d="M8.5 5v14M15.5 5v14"/>`,
	"bell":          `<path d="M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15z"/><path d="M10 21h4"/>`,
	"message":       `<path d="M4 5h16v11H10l-4 4v-4H4z"/>`,
	"warn":          `<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5M12 16.4v.1"/>`,
	"hand":          `<circle cx="12" cy="7.5" r="3.5"/><path d="M5 20c0-4 3-6.5 7-6.5s7 2.5 7 6.5"/>`,
	"home":          `<path d="M3.5 11.5 12 4l8.5 7.5"/><path d="M6 10v10h12V10"/>`,
	"check":         `<circle cx="12" cy="12" r="9"/><path d="m8 12.3 2.8 2.8L16 9.5"/>`,
	"dot":           `<circle cx="12" cy="12" r="3"/>`,
	"phone":         `<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18.5h2"/>`,
	"clock":         `<circle cx="12" cy="12" r="9"/><path d="M12 7v5.3l3.5 2"/>`,
	"drop":          `<path d="M12 3.5s6.5 6.6 6.5 11a6.5 6.5 0 0 1-13 0c0-4.4 6.5-11 6.5-11z"/>`,
	"next":          `<path d="M5 12h14m-5-5 5 5-5 5"/>`,
	"all":           `<path d="M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z"/>`,
	"delivered":     `<path d="m2.5 12.5 4 4 8-9M12 15.5l1 1 8.5-9"/>`,
	"accepted":      `<path d="M19 7 9.5 17 5 12.5"/>`,
	"pending":       `<circle cx="12" cy="12" r="9"/><path d="M12 7v5.3l3.5 2"/>`,
	"failed":        `<path d="m6 6 12 12M18 6 6 18"/>`,
}

// icon draws one; it says nothing that the words beside it do not.
func icon(name string) template.HTML {
	path, ok := icons[name]
	if !ok {
		switch name {
		case "sending":
			path = icons["pending"]
		case "cancelled":
			path = icons["failed"]
		default:
			path = icons["dot"]
		}
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">` + path + `</svg>`)
}
