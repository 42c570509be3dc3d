package store

import "context"

// OwnColumns are what of the platform's own tables is exported.
var OwnColumns = ownColumns

// TablesOfTenants returns the tables whose rows erasing an organisation finds, and the others.
func TablesOfTenants(ctx context.Context, q querier) (owned, free []string, err error) {
	all, err := tablesOfTenants(ctx, q)
	for _, t := range all {
		where, _ := t.owned(owning{})
		if where != "" || t.String() == organisationTable || t.String() == connectionTable {
			owned = append(owned, t.String())
		} else {
			free = append(free, t.String())
		}
	}
	return owned, free, err
}
