export interface DataGooglePubsubThingConfig extends cdktf.TerraformMetaArguments {
    readonly name: string;
}
