package plaidsim

// merchants are those of the generated histories. They do not exist.
var merchants = []merchant{
	{name: "Harbor Coffee", entity: "e1HarborCoffee9mvxVZRW7LUD67QbEBm1CPZ", website: "harborcoffee.example", primary: "FOOD_AND_DRINK",
		detailed: "FOOD_AND_DRINK_COFFEE", channel: "in store", kind: "place", counter: "merchant", city: "Portland", region: "OR"},
	{name: "Greenfield Market", entity: "e2GreenfieldMarket9mvxVZRW7LUD67QbEBm", website: "greenfield.example", primary: "FOOD_AND_DRINK",
		detailed: "FOOD_AND_DRINK_GROCERIES", channel: "in store", kind: "place", counter: "merchant", city: "Austin", region: "TX"},
	{name: "Blue Noodle", entity: "e3BlueNoodle9mvxVZRW7LUD67QbEBm1CPZ6X", website: "bluenoodle.example", primary: "FOOD_AND_DRINK",
		detailed: "FOOD_AND_DRINK_RESTAURANT", channel: "online", kind: "digital", counter: "marketplace"},
	{name: "Copper Hardware", entity: "e4CopperHardware9mvxVZRW7LUD67QbEBm1", website: "copperhardware.example", primary: "HOME_IMPROVEMENT",
		detailed: "HOME_IMPROVEMENT_HARDWARE", channel: "in store", kind: "place", counter: "merchant", city: "Denver", region: "CO"},
	{name: "Northline Air", entity: "e5NorthlineAir9mvxVZRW7LUD67QbEBm1CPZ", website: "northline.example", primary: "TRAVEL",
		detailed: "TRAVEL_FLIGHTS", channel: "online", kind: "special", counter: "merchant"},
	{name: "Cab & Co", entity: "e6CabAndCo9mvxVZRW7LUD67QbEBm1CPZ6XlqkE", website: "cabandco.example", primary: "TRANSPORTATION",
		detailed: "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", channel: "online", kind: "special", counter: "merchant"},
	{name: "Fuelway", entity: "e7Fuelway9mvxVZRW7LUD67QbEBm1CPZ6Xlqkm", website: "fuelway.example", primary: "TRANSPORTATION",
		detailed: "TRANSPORTATION_GAS", channel: "in store", kind: "place", counter: "merchant", city: "Reno", region: "NV"},
	{name: "Cloudspan Hosting", entity: "e8CloudspanHosting9mvxVZRW7LUD67QbEB", website: "cloudspan.example", primary: "GENERAL_SERVICES",
		detailed: "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", channel: "online", kind: "digital", counter: "merchant"},
	{name: "Paper & Pin", entity: "e9PaperAndPin9mvxVZRW7LUD67QbEBm1CPZ6", website: "", primary: "GENERAL_MERCHANDISE",
		detailed: "GENERAL_MERCHANDISE_OFFICE_SUPPLIES", channel: "in store", kind: "place", counter: "merchant", city: "Boise", region: "ID"},
	{name: "First Platypus Bank", entity: "eAFirstPlatypus9mvxVZRW7LUD67QbEBm1C", website: "", primary: "BANK_FEES",
		detailed: "BANK_FEES_OTHER_BANK_FEES", channel: "other", kind: "special", counter: "financial_institution"},
	{name: "City Power", entity: "eBCityPower9mvxVZRW7LUD67QbEBm1CPZ6Xl", website: "citypower.example", primary: "RENT_AND_UTILITIES",
		detailed: "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", channel: "online", kind: "special", counter: "merchant"},
	{name: "Payday Services", entity: "eCPayday9mvxVZRW7LUD67QbEBm1CPZ6Xlqkm", website: "payday.example", primary: "INCOME",
		detailed: "INCOME_WAGES", channel: "other", kind: "special", counter: "income_source", income: true},
}
