package org.ondemandtls.benchmarks;

import java.util.Locale;
import java.util.Map;

/** Draws figures as horizontal bars, in SVG that reads on a light and on a dark page. */
final class BarChart {

    private static final int ROW = 26;
    private static final int TOP = 40;
    private static final int LEFT = 260;
    private static final int WIDTH = 380;

    private BarChart() {}

    /**
     * Draws.
     *
     * @param title what is shown
     * @param values the figures by what they belong to, drawn in their order
     * @param unit what they are counted in
     */
    static String svg(String title, Map<String, Double> values, String unit) {
        double most =
                values.values().stream().mapToDouble(Double::doubleValue).max().orElse(1);
        int height = TOP + ROW * values.size() + 10;
        var svg = new StringBuilder();
        svg.append("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 740 ")
                .append(height)
                .append("\" role=\"img\" aria-label=\"")
                .append(title)
                .append("\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#7a7a7a\">\n")
                .append("<text x=\"10\" y=\"22\" font-weight=\"bold\">")
                .append(title)
                .append("</text>\n");
        int y = TOP;
        for (Map.Entry<String, Double> bar : values.entrySet()) {
            double length = Math.max(1, bar.getValue() / most * WIDTH);
            boolean ours = bar.getKey().startsWith("this project");
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>"
                            + "<rect x=\"%d\" y=\"%d\" width=\"%.0f\" height=\"18\" fill=\"%s\"/>"
                            + "<text x=\"%.0f\" y=\"%d\">%.0f %s</text>%n",
                    LEFT - 8,
                    y + 14,
                    bar.getKey(),
                    LEFT,
                    y,
                    length,
                    ours ? "#2f6fb5" : "#9a9a9a",
                    LEFT + length + 6,
                    y + 14,
                    bar.getValue(),
                    unit));
            y += ROW;
        }
        return svg.append("</svg>\n").toString();
    }
}
