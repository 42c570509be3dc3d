package qbosim

// What the generated companies are made of: a trade in generators and their service. All names are
// invented; addresses end in .example.

type accountSpec struct{ id, name, parent, kind, subtype string }

const (
	discountAccount  = 2 // of chart
	undepositedFunds = "4"
)

var chart = []accountSpec{
	{"79", "Sales of Product Income", "", "Income", "SalesOfProductIncome"},
	{"1", "Services", "", "Income", "ServiceFeeIncome"},
	{"86", "Discounts given", "", "Income", "DiscountsRefundsGiven"},
	{"45", "Power Services", "", "Income", "OtherPrimaryIncome"},
	{"46", "Load Bank Testing", "Power Services", "Income", "OtherPrimaryIncome"},
	{"47", "Emergency Calls", "Power Services", "Income", "OtherPrimaryIncome"},
	{"84", "Accounts Receivable (A/R)", "", "Accounts Receivable", "AccountsReceivable"},
	{"33", "Accounts Payable (A/P)", "", "Accounts Payable", "AccountsPayable"},
	{undepositedFunds, "Undeposited Funds", "", "Other Current Asset", "UndepositedFunds"},
	{"35", "Checking", "", "Bank", "Checking"},
	{"36", "Savings", "", "Bank", "Savings"},
	{"41", "Company Card", "", "Credit Card", "CreditCard"},
	{"80", "Cost of Goods Sold", "", "Cost of Goods Sold", "SuppliesMaterialsCogs"},
	{"81", "Inventory Asset", "", "Other Current Asset", "Inventory"},
	{"90", "Sales Tax Payable", "", "Other Current Liability", "GlobalTaxPayable"},
	{"7", "Advertising", "", "Expense", "AdvertisingPromotional"},
	{"55", "Automobile", "", "Expense", "Auto"},
	{"56", "Fuel", "Automobile", "Expense", "Auto"},
	{"17", "Rent or Lease", "", "Expense", "RentOrLeaseOfBuildings"},
	{"2", "Retained Earnings", "", "Equity", "RetainedEarnings"},
	{"34", "Opening Balance Equity", "", "Equity", "OpeningBalanceEquity"},
	{"44", "Notes Payable", "", "Long Term Liability", "OtherLongTermLiabilities"},
	{"37", "Service Truck", "", "Fixed Asset", "Vehicles"},
	{"40", "Depreciation", "", "Other Expense", "Depreciation"},
	{"25", "Interest Earned", "", "Other Income", "InterestEarned"},
	{"5", "Fees Billed (deleted)", "", "Income", "ServiceFeeIncome"},
}

// path is what refs show: with all above it.
func (s accountSpec) path() string {
	if s.parent == "" {
		return s.name
	}
	return s.parent + ":" + s.name
}

const netThirty = 2 // of terms

type termSpec struct {
	name string
	days string
}

var terms = []termSpec{{"Due on receipt", "0"}, {"Net 15", "15"}, {"Net 30", "30"}, {"Net 60", "60"}, {"Net 10", "10"}}

type itemSpec struct {
	name, about, kind, price string
	account                  int // of chart
	taxable, gone            bool
	parent                   string
}

var catalogue = []itemSpec{
	{name: "Hours", about: "Field technician, per hour", kind: "Service", price: "125", account: 1},
	{name: "Generators", kind: "Category"},
	{name: "Diesel generator 150 kVA", about: "Diesel generator 150 kVA, canopy", kind: "Inventory", price: "18250", taxable: true, parent: "Generators"},
	{name: "Load bank test", about: "Four-hour load bank test with report", kind: "Service", price: "950", account: 4},
	{name: "Oil filter", about: "Oil filter, \"heavy duty\" 1\"-12", kind: "Inventory", price: "42.75", taxable: true},
	{name: "Coolant", about: "Coolant, per litre", kind: "NonInventory", price: "7.9", taxable: true},
	{name: "Annual service", about: "Annual service (oil, filters, belts)", kind: "Service", price: "92.5633333", account: 3},
	{name: "Emergency call", about: "Emergency call, first two hours — nights & weekends", kind: "Service", price: "310", account: 5},
	{name: "Battery 12 V", about: "Starter battery 12 V / 180 Ah", kind: "Inventory", price: "389.99", taxable: true},
	{name: "Transfer switch", about: "Automatic transfer switch 400 A", kind: "Inventory", price: "2975.5", taxable: true},
	{name: "Service package", about: "Service package: annual service with parts", kind: "Group", price: "0"},
	{name: "Fuel polishing", about: "Fuel polishing, per gallon", kind: "Service", price: "0.1666667", account: 3},
	{name: "Cable", about: "Cable 4×35 mm², per metre", kind: "NonInventory", price: "23.4500001", taxable: true},
	{name: "Delivery", about: "Delivery within 50 miles", kind: "Service", price: "75", account: 1},
	{name: "Permit", about: "Permit handling – city of Peñasco", kind: "Service", price: "180", account: 3},
	{name: "Old part credit (deleted)", about: "Replaced by a negative line", kind: "Service", price: "50", gone: true},
	{name: "Étude de site", about: "Étude de site et dimensionnement", kind: "Service", price: "640.25", account: 1},
	{name: "Belt", about: "Drive belt", kind: "Inventory", price: "19.99", taxable: true},
	{name: "Rental week", about: "Rental generator, per week", kind: "Service", price: "875", account: 3},
	{name: "Inspection", about: "Visual inspection\nwith photographs", kind: "Service", price: "149.5", account: 1},
}

func (s accountSpec) ref() *object { return ref(s.id, s.path()) }

var (
	firstWords = []string{"Harbor", "Cedar Ridge", "Northgate", "Bluewater", "Foothill", "Sundial", "Ironwood", "Café Zoë", "Granite", "O'Shea's",
		"Lakeside", "Mesa", "Copper Canyon", "Prairie", "Évian", "Redwood", "Silverline", "Summit", "Tidewater", "Valley", "Westfield", "Zürich",
		"東京", "Müller & Söhne", "Point \\ Line", "Twin Oaks", "Union", "Vista", "Willow", "Yellow Pine"}
	lastWords = []string{"Hospital", "Data Center", "Farms", "Cold Storage", "School District", "Hotel \"Grand\"", "Water Works", "Telecom", "Foundry",
		"Marina", "Casino", "Brewery", "Logistics", "Nursing Home", "Stadium", "Mining", "Airport", "Supermarket"}
	streets = []string{"Main St.", "Ocean Dr.", "Cypress Hill Ave.", "Foundry Way", "Mill Rd.", "Calle Peñón", "2nd St., Suite 4", "Industrial Pkwy"}
	towns   = []town{{"Middlefield", "CA", "94303"}, {"Bayshore", "CA", "94326"}, {"Half Moon Bay", "CA", "94213"}, {"Peñasco", "NM", "87553"},
		{"Tucson", "AZ", "85719"}, {"Reno", "NV", "89501"}, {"Salem", "OR", "97301"}}
	givenNames  = []string{"Ana", "Bo", "Chidi", "Dora", "Emil", "Fatima", "Gus", "Hana", "Ivo", "Jun"}
	familyNames = []string{"Abara", "Brandt", "Castillo", "Dubois", "Eriksen", "Fujita", "Garza", "Hoang", "Ito"}
	vendors     = []string{"Atlas Engine Parts", "Bright Fuel Supply", "Cummings Tool Rental", "Delta Cable", "East Bay Batteries", "Filtertech",
		"Gasket & Seal Co.", "Harbor Freight Lines", "Imperial Insurance", "Juniper Printing", "Kilowatt Wholesale", "Lumen Electric"}
	models = []string{"C18-600", "QSX15", "DQDAA 250", "MTU 16V4000", "6BTAA5.9-G6", "\"Big Red\" 1250", "KD27V12", "S1Ø45"}
	// oddNotes is text that breaks careless programs.
	oddNotes = []string{"Gate code 4471 — ask for the site manager", "Line one\nline two\tafter a tab", "Quote \" and backslash \\ and slash /",
		"Ünïcödé: 発電機 🔌 ½", "<b>not markup</b> & <script>", "100% done; 'quoted', {braces}", "Trailing space ", "NULL", "=SUM(A1:A9)"}
)
