package plaidsim

import "slices"

// institutionNames are the Sandbox's banks.
var institutionNames = map[string]string{
	"ins_109508": "First Platypus Bank", "ins_109509": "First Gingham Credit Union", "ins_109510": "Tattersall Federal Credit Union",
	"ins_109511": "Tartan Bank", "ins_109512": "Houndstooth Bank", "ins_43": "Tartan-Dominion Bank of Canada", "ins_127287": "Platypus OAuth Bank",
}

// countries are those that Plaid works in.
var countries = []string{"US", "GB", "ES", "NL", "FR", "IE", "CA", "DE", "IT", "PL", "DK", "NO", "SE", "EE", "LT", "LV", "PT", "BE", "AT", "FI"}

// logo is a picture of one pixel.
const logo = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

// institution answers /institutions/get_by_id.
func (s *Server) institution(q *query) (any, *refusal) {
	id := q.text("institution_id")
	name, products := institutionNames[id], everyProduct
	for _, l := range s.logins {
		if l.spec.Institution == id {
			name, products = l.spec.InstitutionName, l.spec.Products
		}
	}
	home := "US"
	if id == "ins_43" {
		home = "CA"
	}
	if name == "" || !slices.Contains(q.texts("country_codes"), home) {
		return nil, failure("INVALID_INSTITUTION")
	}
	out := obj{"institution_id": id, "name": name, "products": slices.Sorted(slices.Values(append([]string{"balance"}, products...))),
		"country_codes": []string{home}, "routing_numbers": []string{"011000138"}, "dtc_numbers": []string{}, "oauth": id == "ins_127287"}
	if q.flag("options.include_optional_metadata") {
		out["url"], out["primary_color"], out["logo"] = "https://plaid.com", "#004966", logo
	}
	if q.flag("options.include_status") {
		out["status"] = obj{"transactions_updates": obj{"status": "HEALTHY", "last_status_change": q.now.UTC().AddDate(0, 0, -1),
			"breakdown": obj{"success": decimal("0.95"), "error_plaid": decimal("0.02"), "error_institution": decimal("0.03"), "refresh_interval": "NORMAL"}}}
	}
	return obj{"institution": out}, nil
}
