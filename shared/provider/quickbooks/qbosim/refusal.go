package qbosim

import (
	"fmt"
	"net/http"
)

// Refusal is an error in QBO's own words, as the API would print it.
type Refusal struct {
	Status  int    // HTTP
	Type    string // ValidationFault, SystemFault, …
	Code    string // Intuit's number as text
	Message string
	Detail  string
	Element string // the property at fault; usually empty
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%d %s %s: %s: %s", r.Status, r.Type, r.Code, r.Message, r.Detail)
}

func invalid(code, message, detail string) *Refusal {
	return &Refusal{Status: 400, Type: "ValidationFault", Code: code, Message: message, Detail: detail}
}

func badSyntax(detail string) *Refusal {
	return invalid("4000", "Error parsing query", "QueryParserError: "+detail)
}

func badQuery(format string, args ...any) *Refusal {
	return invalid("4001", "Invalid query", "QueryValidationError: "+fmt.Sprintf(format, args...))
}

func notFound(entity, id string) *Refusal {
	return invalid("610", "Object Not Found",
		fmt.Sprintf("Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees. (%s %s)", entity, id))
}

func unsupported(what string) *Refusal {
	return invalid("500", "Unsupported Operation", "Operation "+what+" is not supported.")
}

// notAllowed: the path is right and the method is not.
func notAllowed(method, path string) *Refusal {
	r := unsupported(method + " " + path)
	r.Status = http.StatusMethodNotAllowed
	return r
}

func tooLong(element string, length, most int) *Refusal {
	r := invalid("2050", "String length is either shorter or longer than supported by specification",
		fmt.Sprintf("String length specified does not match the supported length. Min:0 Max:%d supported. Supplied length:%d", most, length))
	r.Element = element
	return r
}

func missing(element string) *Refusal {
	r := invalid("2020", "Required param missing, need to supply the required value for the API",
		"Required parameter "+element+" is missing in the request")
	r.Element = element
	return r
}

func badNumber(element, value string) *Refusal {
	r := invalid("2080", "Invalid Number", element+" should be a valid number. Supplied value:"+value)
	r.Element = element
	return r
}

func badID(value string) *Refusal {
	r := invalid("2030", "Invalid ID", "Id should be a valid number. Supplied value:"+value)
	r.Element = "Id"
	return r
}

func badReference(key, value string) *Refusal {
	r := invalid("2500", "Invalid Reference Id", "Invalid Reference Id : "+key+" "+value+" not found")
	r.Element = key
	return r
}

func staleObject(id string) *Refusal {
	return invalid("5010", "Stale Object Error",
		"Stale Object Error : You and another user were working on this at the same time. The other user finished before you did, so your work was not saved. ("+id+")")
}

func inDeposit(id string) *Refusal {
	return invalid("6540", "Deposited Transaction cannot be changed",
		"Deposited Transaction cannot be changed : Take the transaction out of its deposit first. ("+id+")")
}

func businessRule(detail string) *Refusal {
	return invalid("6000", "A business validation error has occurred while processing your request",
		"Business Validation Error: "+detail)
}

func duplicateName() *Refusal {
	return invalid("6240", "Duplicate Name Exists Error", "The name supplied already exists. : null")
}

// featureOff: the company's subscription does not have the entity.
func featureOff(entity string) *Refusal {
	return badQuery("%s is not supported: the feature is not enabled for this company", entity)
}
