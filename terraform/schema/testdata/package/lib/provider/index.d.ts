export interface GoogleProviderConfig {
    readonly region?: string;
    readonly alias?: string;
}
