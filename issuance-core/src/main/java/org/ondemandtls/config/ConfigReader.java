package org.ondemandtls.config;

/** Skeleton. */
public final class ConfigReader {}
