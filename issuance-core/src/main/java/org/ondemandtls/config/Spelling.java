package org.ondemandtls.config;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One way of giving a key: by its value, or by a file that holds the value.
 *
 * @param key the key that is given
 * @param byFile whether the text is the path of a file, not the value
 */
record Spelling(ConfigKey key, boolean byFile) {

    private static final Map<String, ConfigKey> BY_NAME =
            Stream.of(ConfigKey.values()).collect(Collectors.toUnmodifiableMap(ConfigKey::key, Function.identity()));

    /**
     * Reads the name of a property. A key whose own name ends in {@code .file} is that key; its file form ends in
     * {@code .file.file}.
     *
     * @param name the name as written; case counts
     * @return what it gives, empty where no key is spelled like this
     */
    static Optional<Spelling> of(String name) {
        ConfigKey key = BY_NAME.get(name);
        if (key != null) {
            return Optional.of(new Spelling(key, false));
        }
        if (!name.endsWith(ConfigKey.FILE_SUFFIX)) {
            return Optional.empty();
        }
        String stem = name.substring(0, name.length() - ConfigKey.FILE_SUFFIX.length());
        return Optional.ofNullable(BY_NAME.get(stem)).map(stemKey -> new Spelling(stemKey, true));
    }

    /** Whether a key, or its file form, is spelled like this but for the case. */
    static boolean ignoringCase(String name) {
        return BY_NAME.keySet().stream()
                .anyMatch(known ->
                        known.equalsIgnoreCase(name) || (known + ConfigKey.FILE_SUFFIX).equalsIgnoreCase(name));
    }

    /** The name of the property, as {@link #of} reads it. */
    String name() {
        return byFile ? key.fileKey() : key.key();
    }
}
