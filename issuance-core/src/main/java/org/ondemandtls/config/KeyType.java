package org.ondemandtls.config;

/** The form of a key's value. */
public enum KeyType {
    /** A whole number with its unit: {@code 500ms}, {@code 30s}, {@code 5m}, {@code 12h}, {@code 7d}. */
    DURATION("duration"),
    /** A whole number in decimal digits. */
    INTEGER("number"),
    /** A whole number in decimal digits, or {@code auto}. */
    COUNT("number or auto"),
    /** A whole number, a slash and a duration: {@code 60/10m}. */
    RATE("rate"),
    /** So many in so long: {@code 300/3h}; or one of the words the sentence names. */
    ALLOWANCE("number/duration or word"),
    /** {@code true} or {@code false}. */
    BOOLEAN("true or false"),
    /** An absolute URL, or an alias the sentence names. */
    URL("URL"),
    /** URLs or aliases as for one, separated by commas. */
    URLS("URLs"),
    /** One server name. */
    NAME("name"),
    /** Server names and one-label wildcards, separated by commas. */
    NAMES("names"),
    /** A file or directory, relative to the server's base. */
    PATH("path"),
    /** A directory, relative to the server's base, or a database. */
    STORE("path or database"),
    /** The fully qualified name of a Java class. */
    CLASS("class"),
    /** Text the sentence describes. */
    TEXT("text"),
    /** One of the words the sentence names. */
    CHOICE("word"),
    /** Several of the words the sentence names, separated by commas. */
    LIST("words"),
    /** Address blocks, separated by commas. */
    BLOCKS("address blocks"),
    /** Text that is never shown. */
    SECRET("secret");

    private final String label;

    KeyType(String label) {
        this.label = label;
    }

    /** The word the documentation uses for this form. */
    public String label() {
        return label;
    }
}
