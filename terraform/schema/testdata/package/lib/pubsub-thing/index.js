"use strict";
const cdktf = require("cdktf");
function pubsubThingPolicyInnerToTerraform(struct) {
    return {
        depth: cdktf.numberToTerraform(struct.depth),
    };
}
function pubsubThingPolicyInnerToHclTerraform(struct) {
    const attrs = {
        depth: {
            value: cdktf.numberToHclTerraform(struct.depth),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
    return Object.fromEntries(Object.entries(attrs).filter(([_, value]) => value !== undefined));
}
class PubsubThingPolicyInnerOutputReference extends cdktf.ComplexObject {
    // reached - computed: true, optional: false, required: false
    get reached() {
        return this.getBooleanAttribute('reached');
    }
}
function pubsubThingPolicyToHclTerraform(struct) {
    const attrs = {
        ttl: {
            value: cdktf.stringToHclTerraform(struct.ttl),
            isBlock: false,
            type: "simple",
            storageClassType: "string",
        },
        inner: {
            value: cdktf.listMapperHcl(pubsubThingPolicyInnerToHclTerraform, true)(struct.inner),
            isBlock: true,
            type: "set",
            storageClassType: "PubsubThingPolicyInnerList",
        },
    };
    return Object.fromEntries(Object.entries(attrs).filter(([_, value]) => value !== undefined));
}
class PubsubThingPolicyOutputReference extends cdktf.ComplexObject {
    constructor(terraformResource, terraformAttribute) {
        super(terraformResource, terraformAttribute, false, 0);
        // inner - computed: false, optional: true, required: false
        this._inner = new PubsubThingPolicyInnerList(this, "inner", true);
    }
    get ttl() {
        return this.getStringAttribute('ttl');
    }
}
function pubsubThingRuleToHclTerraform(struct) {
    const attrs = {
        port: {
            value: cdktf.numberToHclTerraform(struct.port),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
    return Object.fromEntries(Object.entries(attrs).filter(([_, value]) => value !== undefined));
}
class PubsubThingRuleOutputReference extends cdktf.ComplexObject {
}
function pubsubThingTimeoutsToHclTerraform(struct) {
    const attrs = {
        create: {
            value: cdktf.stringToHclTerraform(struct.create),
            isBlock: false,
            type: "simple",
            storageClassType: "string",
        },
    };
    return Object.fromEntries(Object.entries(attrs).filter(([_, value]) => value !== undefined));
}
class PubsubThingTimeoutsOutputReference extends cdktf.ComplexObject {
}
class PubsubThingStateOutputReference extends cdktf.ComplexObject {
    get code() {
        return this.getNumberAttribute('code');
    }
    get words() {
        return this.getListAttribute('words');
    }
}
class PubsubThing extends cdktf.TerraformResource {
    constructor(scope, id, config) {
        super(scope, id, {
            terraformResourceType: 'google_pubsub_thing',
            provider: config.provider,
        });
        // terraform_labels - computed: true, optional: false, required: false
        this._terraformLabels = new cdktf.StringMap(this, "terraform_labels");
        // state - computed: true, optional: false, required: false
        this._state = new PubsubThingStateList(this, "state", false);
        this._build = new PubsubThingPolicyOutputReference(this, "build");
        this._name = config.name;
    }
    // hosts - computed: true, optional: false, required: false
    get hosts() {
        return cdktf.Fn.tolist(this.getListAttribute('hosts'));
    }
    get name() {
        return this.getStringAttribute('name');
    }
    synthesizeHclAttributes() {
        const attrs = {
            name: {
                value: cdktf.stringToHclTerraform(this._name),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            project: {
                value: cdktf.stringToHclTerraform(this._project),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            enabled: {
                value: cdktf.booleanToHclTerraform(this._enabled),
                isBlock: false,
                type: "simple",
                storageClassType: "boolean",
            },
            labels: {
                value: cdktf.hashMapperHcl(cdktf.stringToHclTerraform)(this._labels),
                isBlock: false,
                type: "map",
                storageClassType: "stringMap",
            },
            ports: {
                value: cdktf.listMapperHcl(cdktf.numberToHclTerraform, false)(this._ports),
                isBlock: false,
                type: "set",
                storageClassType: "numberList",
            },
            password_wo: {
                value: cdktf.stringToHclTerraform(this._passwordWo),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            password_wo_version: {
                value: cdktf.numberToHclTerraform(this._passwordWoVersion),
                isBlock: false,
                type: "simple",
                storageClassType: "number",
            },
            rules: {
                value: cdktf.listMapperHcl(pubsubThingRuleToHclTerraform, false)(this._rules.internalValue),
                isBlock: false,
                type: "list",
                storageClassType: "PubsubThingRuleList",
            },
            build: {
                value: pubsubThingPolicyToHclTerraform(this._build.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "PubsubThingPolicyList",
            },
            timeouts: {
                value: pubsubThingTimeoutsToHclTerraform(this._timeouts.internalValue),
                isBlock: true,
                type: "struct",
                storageClassType: "PubsubThingTimeouts",
            },
        };
        return Object.fromEntries(Object.entries(attrs).filter(([_, value]) => value !== undefined));
    }
}
