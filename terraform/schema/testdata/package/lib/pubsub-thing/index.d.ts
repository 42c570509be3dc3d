import * as cdktf from 'cdktf';
export interface PubsubThingConfig extends cdktf.TerraformMetaArguments {
    /**
    * Docs: {@link https://example.com/docs#name PubsubThing#name}
    */
    readonly name: string;
    readonly project?: string;
    readonly enabled?: boolean | cdktf.IResolvable;
    readonly labels?: {
        [key: string]: string;
    };
    readonly ports?: number[];
    readonly passwordWo?: string;
    readonly passwordWoVersion?: number;
    readonly rules?: PubsubThingRule[] | cdktf.IResolvable;
    readonly buildAttribute: PubsubThingPolicy;
    readonly timeouts?: PubsubThingTimeouts;
}
export interface PubsubThingPolicyInner {
    readonly depth: number;
}
export interface PubsubThingPolicy {
    readonly ttl: string;
    readonly inner?: PubsubThingPolicyInner[] | cdktf.IResolvable;
}
export interface PubsubThingRule {
    readonly port?: number;
}
export interface PubsubThingTimeouts {
    readonly create?: string;
}
