class DataGooglePubsubThing extends cdktf.TerraformDataSource {
    constructor(scope, id, config) {
        super(scope, id, {
            terraformResourceType: 'google_pubsub_thing',
        });
    }
    get number() {
        return this.getStringAttribute('number');
    }
    synthesizeHclAttributes() {
        const attrs = {
            name: {
                value: cdktf.stringToHclTerraform(this._name),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
        };
        return Object.fromEntries(Object.entries(attrs).filter(([_, value]) => value !== undefined));
    }
}
