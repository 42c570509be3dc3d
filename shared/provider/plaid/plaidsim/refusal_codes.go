package plaidsim

import "net/http"

const (
	rateLimited      = "RATE_LIMIT_EXCEEDED"
	institutionError = "INSTITUTION_ERROR"
	apiError         = "API_ERROR"

	tooOften = "rate limit exceeded for attempts to access this item. please try again later"
	bankDown = "this institution is not currently responding to this request. please try again soon"
	sorry    = "This financial institution is not currently responding to requests. We apologize for the inconvenience."
	loginOld = "the login details of this item have changed (credentials, MFA, or required user action) and a user login is required to update this information. use Link's update mode to restore the item to a good state"
)

// failures are the errors that are not about the form of a request; the words are Plaid's.
var failures = map[string]refusal{
	"ACCOUNTS_LIMIT":                {Type: rateLimited, Message: tooOften},
	"ACCOUNTS_BALANCE_GET_LIMIT":    {Type: rateLimited, Message: tooOften},
	"AUTH_LIMIT":                    {Type: rateLimited, Message: tooOften},
	"BALANCE_LIMIT":                 {Type: rateLimited, Message: tooOften},
	"IDENTITY_LIMIT":                {Type: rateLimited, Message: tooOften},
	"INSTITUTIONS_GET_LIMIT":        {Type: rateLimited, Message: `rate limit exceeded for attempts to access "institutions get". please try again later`},
	"INSTITUTIONS_GET_BY_ID_LIMIT":  {Type: rateLimited, Message: `rate limit exceeded for attempts to access "institutions get by id". please try again later`},
	"INSTITUTION_RATE_LIMIT":        {Type: rateLimited, Message: tooOften},
	"INVESTMENT_HOLDINGS_GET_LIMIT": {Type: rateLimited, Message: tooOften},
	"INVESTMENT_TRANSACTIONS_LIMIT": {Type: rateLimited, Message: tooOften},
	"ITEM_GET_LIMIT":                {Type: rateLimited, Message: tooOften},
	"RATE_LIMIT":                    {Type: rateLimited, Message: tooOften},
	"TRANSACTIONS_LIMIT":            {Type: rateLimited, Message: tooOften},
	"TRANSACTIONS_SYNC_LIMIT":       {Type: rateLimited, Message: tooOften},
	"CREDITS_EXHAUSTED":             {Type: rateLimited, Message: "Free usage exhausted, please request full Production access to continue using this product"},
	"TRIAL_CONNECTION_LIMIT":        {Type: rateLimited, Message: "you have reached the limit of connections of your plan"},
	"ADDITION_LIMIT":                {Type: rateLimited, Message: "you have reached the limit of Items of your plan"},

	"INTERNAL_SERVER_ERROR": {Status: http.StatusInternalServerError, Type: apiError, Message: "an unexpected error occurred"},
	"PLANNED_MAINTENANCE": {Status: http.StatusServiceUnavailable, Type: apiError,
		Message: "the Plaid API is temporarily unavailable due to planned maintenance. visit https://status.plaid.com/ for more information"},

	"TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": {Type: "TRANSACTIONS_ERROR",
		Message: "Underlying transaction data changed since last page was fetched. Please restart pagination from last update."},

	"INSTITUTION_DOWN":           {Type: institutionError, Message: bankDown, Display: sorry},
	"INSTITUTION_NOT_RESPONDING": {Type: institutionError, Message: bankDown, Display: sorry},
	"INSTITUTION_NOT_AVAILABLE":  {Type: institutionError, Message: bankDown, Display: sorry},
	"INSTITUTION_NO_LONGER_SUPPORTED": {Type: institutionError, Message: "this institution is no longer supported",
		Display: "This financial institution is no longer supported. We apologize for the inconvenience."},

	"ITEM_LOGIN_REQUIRED":       {Type: itemError, Message: loginOld},
	"INVALID_CREDENTIALS":       {Type: itemError, Message: "the provided credentials were not correct", Display: "The provided credentials were not correct. Please try again."},
	"INVALID_MFA":               {Type: itemError, Message: "the provided MFA response(s) were not correct", Display: "The provided MFA responses were not correct. Please try again."},
	"INVALID_OTP":               {Type: itemError, Message: "the provided OTP was invalid", Display: "The provided OTP was invalid. Please try again."},
	"ITEM_LOCKED":               {Type: itemError, Message: "the account is locked. prompt the user to visit the institution's site and unlock their account"},
	"PASSWORD_RESET_REQUIRED":   {Type: itemError, Message: "user must reset their password", Display: "The user needs to reset their password for their account"},
	"USER_SETUP_REQUIRED":       {Type: itemError, Message: "the account has not been fully set up. prompt the user to visit the issuing institution's site and finish the setup process"},
	"USER_INPUT_TIMEOUT":        {Type: itemError, Message: "user must retry this operation", Display: "The application timed out waiting for user input"},
	"INSUFFICIENT_CREDENTIALS":  {Type: itemError, Message: "insufficient authorization was provided to complete the request"},
	"ACCESS_NOT_GRANTED":        {Type: itemError, Message: "access to this product was not granted for the account", Display: "The user did not grant the necessary permissions for this product on their account."},
	"NO_ACCOUNTS":               {Type: itemError, Message: "no valid accounts were found for this item"},
	"ITEM_NOT_FOUND":            {Type: itemError, Message: "The Item you requested cannot be found. This Item does not exist, has been previously removed via /item/remove, or has had access removed by the user."},
	"ITEM_CONCURRENTLY_DELETED": {Type: itemError, Message: "This item was deleted while the operation was in progress"},
	"ITEM_NOT_SUPPORTED":        {Type: itemError, Message: "this account is currently not supported"},
	"NO_LIABILITY_ACCOUNTS":     {Type: itemError, Message: "There are no valid liability account(s) associated with this Item. See https://plaid.com/docs/api/#item-errors for more information."},
	"NO_INVESTMENT_ACCOUNTS":    {Type: itemError, Message: "There are no valid investment account(s) associated with this Item. See https://plaid.com/docs/api/#item-errors for more information."},
	"NO_AUTH_ACCOUNTS":          {Type: itemError, Message: "There are no valid checking or savings account(s) associated with this Item. See https://plaid.com/docs/api/#item-errors for more."},
	"PRODUCT_NOT_ENABLED":       {Type: itemError, Message: "A requested product was not enabled for the current access token. Please ensure it is included when when initializing Link and create the Item again."},
	"PRODUCT_NOT_READY":         {Type: itemError, Message: "the requested product is not yet ready. please provide a webhook or try the request again later"},
	"PRODUCTS_NOT_SUPPORTED":    {Type: itemError, Message: "the products requested are not supported by this institution or account"},

	"ADDITIONAL_CONSENT_REQUIRED":         {Type: invalidInput, Message: "client does not have user consent to access the product"},
	"USER_PERMISSION_REVOKED":             {Type: invalidInput, Message: "the holder of this account has revoked their permission for your application to access it"},
	"INVALID_ACCESS_TOKEN":                {Type: invalidInput, Message: "could not find matching access token"},
	"INVALID_ACCOUNT_ID":                  {Type: invalidInput, Message: "failed to find requested account ID for requested item"},
	"INVALID_API_KEYS":                    {Type: invalidInput, Message: "invalid client_id or secret provided"},
	"INVALID_INSTITUTION":                 {Type: invalidInput, Message: "invalid institution_id provided"},
	"INVALID_LINK_TOKEN":                  {Type: invalidInput, Message: "invalid link_token provided"},
	"INVALID_PUBLIC_TOKEN":                {Type: invalidInput, Message: "could not find matching public token"},
	"INVALID_PRODUCT":                     {Type: invalidInput, Message: "client is not authorized to access the following products"},
	"INVALID_PRODUCTS":                    {Type: invalidInput, Message: "the products requested are not valid together"},
	"UNAUTHORIZED_ENVIRONMENT":            {Type: invalidInput, Message: "you are not authorized to create items in this api environment. Go to the Dashboard (https://dashboard.plaid.com) to see which environments you are authorized for."},
	"UNAUTHORIZED_ROUTE_ACCESS":           {Type: invalidInput, Message: "you are not authorized to access this route in this api environment."},
	"INVALID_WEBHOOK_VERIFICATION_KEY_ID": {Type: invalidInput, Message: "invalid key_id provided. note that key_ids are specific to Plaid environments, and verification requests must be made to the same environment that the webhook was sent from"},
	"SANDBOX_PRODUCT_NOT_ENABLED":         {Type: "SANDBOX_ERROR", Message: "The product is not enabled on this item"},
	"SANDBOX_WEBHOOK_INVALID":             {Type: "SANDBOX_ERROR", Message: "Webhook for this item is either not set up, or invalid. Please update the item's webhook and try again."},
	"INVALID_BODY":                        {Type: invalidRequest, Message: "body could not be parsed as JSON"},
	"NOT_FOUND":                           {Type: invalidRequest, Message: "not found"},
	"INVALID_FIELD":                       {Type: invalidRequest, Message: "a field is invalid"},
}
