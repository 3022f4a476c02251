package org.ondemandtls.config;

import java.nio.file.Path;

/** The Java door to an {@link OnDemandTlsConfig}, for servers that are embedded. */
public final class ConfigBuilder extends ConfigKeys<ConfigBuilder> {

    ConfigBuilder() {}

    @Override
    protected ConfigBuilder self() {
        return this;
    }

    /**
     * Validates everything at once. System properties are taken for keys that were not given.
     *
     * @param base the directory relative paths are taken from
     * @return the configuration
     * @throws ConfigException if there are mistakes; it names them all
     */
    public OnDemandTlsConfig build(Path base) throws ConfigException {
        return read(base, false);
    }
}
